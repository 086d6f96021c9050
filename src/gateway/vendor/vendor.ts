import type { Hono } from 'hono';
import type { ConcurrencyLimit } from '#src/gateway/http/concurrency-limit.ts';
import { HttpError } from '#src/gateway/http/http-error.ts';
import type { Gateway, GatewayEnv } from '../ports.ts';
import { scopeOf } from '../scope.ts';
import { addAliases } from './functions/aliases.ts';
import { addAsyncConfig } from './functions/async-config.ts';
import { addFunctionChanges } from './functions/change-functions.ts';
import { addCode } from './functions/code.ts';
import { addDependencies } from './functions/dependencies.ts';
import { addFunctions } from './functions/functions.ts';
import { addVersions } from './functions/versions.ts';
import { addCancel } from './invocations/cancel.ts';
import { addInvocationLists } from './invocations/invocations.ts';
import { addInvocations } from './invocations/invoke.ts';
import { addStatusLog } from './invocations/status-log.ts';

/** Siblings of `functions/{function_urn}` that name no function. Their routes must precede it. */
const unsupported = ['reservedinstances', 'reservedinstanceconfigs', 'statistics', 'import', 'enable-lts-logs'];

/** The vendor's API. Calls that Sequent does not implement reply with 501 in the vendor's shape. */
export function addVendorApi(app: Hono<GatewayEnv>, gateway: Gateway, waiting: ConcurrencyLimit): void {
  addInvocations(app, gateway, waiting);
  addInvocationLists(app, gateway);
  addCancel(app, gateway);
  // The routes below read or change records that another gateway may have just changed. The routes above skip this wait for speed.
  app.use('/v2/*', async (_, next) => {
    await gateway.records.catchUp();
    await next();
  });
  addStatusLog(app, gateway);
  for (const name of unsupported) app.all(`/v2/:project/fgs/functions/${name}`, refuse);
  addAsyncConfig(app, gateway);
  addFunctions(app, gateway);
  addFunctionChanges(app, gateway);
  addCode(app, gateway);
  addVersions(app, gateway);
  addAliases(app, gateway);
  addDependencies(app, gateway);
  addQuotas(app, gateway);
  app.all('/v2/*', refuse);
}

function refuse(): never {
  throw new HttpError({ status: 501, message: 'Sequent does not implement this call of the API' });
}

const MB = 1_024 * 1_024;

/** `listQuotas`. The stores refuse what exceeds a quota (QUO4). */
function addQuotas(app: Hono<GatewayEnv>, gateway: Gateway): void {
  const { client, definitions, tenancy } = gateway;
  app.get('/v2/:project/fgs/quotas', async (call) => {
    const { project } = scopeOf(call, gateway);
    const owner = project === tenancy.project ? undefined : project;
    const { limits, used } = definitions.of(owner ?? '');
    const codeBytes = await client.packages.bytesOf(owner);
    return call.json({
      quotas: {
        resources: [
          { type: 'fgs_func_num', used: used.functions, quota: limits.functions },
          { type: 'fgs_func_code_size', used: Math.ceil(codeBytes / MB), quota: Math.ceil(limits.codeBytes / MB), unit: 'MB' },
        ],
      },
    });
  });
}
