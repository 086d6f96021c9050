import type { Hono } from 'hono';
import type { Gateway, GatewayEnv } from '../ports.ts';
import { scopeOf } from '../scope.ts';

const MB = 1_024 * 1_024;

/** `listQuotas`. The stores refuse what exceeds a quota (QUO4). */
export function addQuotas(app: Hono<GatewayEnv>, gateway: Gateway): void {
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
