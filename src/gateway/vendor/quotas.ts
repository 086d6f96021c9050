import type { Hono } from 'hono';
import { HttpError } from '#src/gateway/http/http-error.ts';
import type { Call, Gateway, GatewayEnv } from '../ports.ts';
import { scopeOf } from '../scope.ts';

/** The vendor's quotas of an account. In Sequent they apply to each project. */
const MAX_FUNCTIONS = 400;
const MAX_CODE_MB = 10_240;
const MB = 1_024 * 1_024;

/** `listQuotas`. */
export function addQuotas(app: Hono<GatewayEnv>, gateway: Gateway): void {
  app.get('/v2/:project/fgs/quotas', async (call) => {
    const { functions, codeBytes } = await usedBy(call, gateway);
    return call.json({
      quotas: {
        resources: [
          { type: 'fgs_func_num', used: functions, quota: MAX_FUNCTIONS },
          { type: 'fgs_func_code_size', used: Math.ceil(codeBytes / MB), quota: MAX_CODE_MB, unit: 'MB' },
        ],
      },
    });
  });
}

/** Throws `HttpError` 403 if the additional functions or code would exceed a quota. */
export async function checkQuotas(call: Call, gateway: Gateway, more: { functions: number; codeBytes: number }): Promise<void> {
  const used = await usedBy(call, gateway);
  if (used.functions + more.functions > MAX_FUNCTIONS)
    throw new HttpError({ status: 403, vendorCode: 'FSS.1041', message: `the project has ${MAX_FUNCTIONS} functions; delete one first` });
  if (used.codeBytes + more.codeBytes > MAX_CODE_MB * MB)
    throw new HttpError({ status: 403, message: `the code of the project's functions would be larger than ${MAX_CODE_MB} MB` });
}

async function usedBy(call: Call, { client, records, ...gateway }: Gateway): Promise<{ functions: number; codeBytes: number }> {
  const { owns } = scopeOf(call, gateway);
  const own = (await client.functions.list()).filter(({ definition }) => owns(definition.name));
  const sizes = own.flatMap(({ definition: { name }, versions }) =>
    [undefined, ...versions.map(({ version }) => version)].map((version) => records.function(name, version)?.code_size ?? 0),
  );
  return { functions: own.length, codeBytes: sizes.reduce((total, size) => total + size, 0) };
}
