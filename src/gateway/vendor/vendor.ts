import type { Hono } from 'hono';
import type { ConcurrencyLimit } from '#src/gateway/http/concurrency-limit.ts';
import { HttpError } from '#src/gateway/http/http-error.ts';
import type { Gateway, GatewayEnv } from '../ports.ts';
import { addAliases } from './aliases.ts';
import { addAsyncConfig } from './async-config.ts';
import { addCancel } from './cancel.ts';
import { addCode } from './code.ts';
import { addFunctions } from './functions.ts';
import { addInvocationLists } from './invocations.ts';
import { addInvocations } from './invoke.ts';
import { addQuotas } from './quotas.ts';
import { addStatusLog } from './status-log.ts';
import { addVersions } from './versions.ts';

/** Siblings of `functions/{function_urn}` that are no function: they go before it. */
const literals = ['reservedinstances', 'reservedinstanceconfigs', 'statistics', 'import', 'enable-lts-logs'];

/** The vendor's API: what this version offers, and 501 in the vendor's shape for the rest of it. */
export function addVendorApi(app: Hono<GatewayEnv>, gateway: Gateway, waiting: ConcurrencyLimit): void {
  addInvocations(app, gateway, waiting);
  addInvocationLists(app, gateway);
  addCancel(app, gateway);
  // What follows tells, or changes, what another gateway may just have changed. Those above have no time to ask.
  app.use('/v2/*', async (_, next) => {
    await gateway.records.catchUp();
    await next();
  });
  addStatusLog(app, gateway);
  for (const literal of literals) app.all(`/v2/:project/fgs/functions/${literal}`, refuse);
  addAsyncConfig(app, gateway);
  addFunctions(app, gateway);
  addCode(app, gateway);
  addVersions(app, gateway);
  addAliases(app, gateway);
  addQuotas(app, gateway);
  app.all('/v2/*', refuse);
}

function refuse(): never {
  throw new HttpError({ status: 501, message: 'this call of the API is not offered by Sequent' });
}
