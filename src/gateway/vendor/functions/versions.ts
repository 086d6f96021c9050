import type { Hono } from 'hono';
import { z } from 'zod';
import { LATEST } from '#src/core/functions/definition.ts';
import { type FunctionEntry, resolveFunction, versionNameSchema } from '#src/core/functions/entry.ts';
import { parseBody } from '#src/gateway/http/bodies/body.ts';
import { HttpError } from '#src/gateway/http/http-error.ts';
import type { Call, Gateway, GatewayEnv } from '../../ports.ts';
import { pageOf } from '../paging.ts';
import { targetOf } from '../reference.ts';
import { inSeconds } from '../times.ts';
import { viewAsyncConfig } from './async-config.ts';
import { recordOf, viewFunction } from './function-view.ts';
import { changeableTarget } from './functions.ts';

const ROUTE = '/v2/:project/fgs/functions/:urn/versions';

const publishSchema = z.object({
  version: z.union([z.literal('').transform(() => undefined), versionNameSchema]).nullish(),
  description: z.string().max(512).nullish(),
  digest: z.string().nullish(),
});
const CODES = { version: 'FSS.1015', description: 'FSS.1019', digest: 'FSS.1011' };

/** `createFunctionVersion` and `listFunctionVersions`. */
export function addVersions(app: Hono<GatewayEnv>, gateway: Gateway): void {
  const { client, records } = gateway;

  app.post(ROUTE, async (call) => {
    const name = await changeableTarget(call, gateway);
    const body = call.get('body');
    const { version, description, digest } = body.length === 0 ? {} : parseBody(body, publishSchema, { vendorCodes: CODES });
    const record = recordOf(gateway, await client.functions.get(name));
    if (digest && digest !== record.digest)
      throw new HttpError({
        status: 400,
        vendorCode: 'FSS.1011',
        message: 'digest: is not the digest of the current code, which was changed since',
      });
    const published = await client.functions.publish(name, { version: version ?? undefined, description: description ?? undefined });
    await records.putFunction(name, { ...record, last_modified: inSeconds(published.publishedAt) }, published.version);
    const asyncRecord = records.asyncConfig(name, LATEST);
    if (asyncRecord !== undefined) await records.putAsyncConfig(name, published.version, asyncRecord);
    return call.json(view(call, await client.functions.get(name), published.version));
  });

  app.get(ROUTE, async (call) => {
    const { name } = await targetOf(call, gateway);
    const { marker, limit } = pageOf(call, { limit: 'maxitems', default: 400, max: 400 });
    const entry = await client.functions.get(name);
    const all = [LATEST, ...entry.versions.map(({ version }) => version).reverse()];
    const versions = all.slice(marker, marker + limit).map((version) => view(call, entry, version));
    return call.json({ versions, next_marker: marker + versions.length, count: all.length });
  });

  function view(call: Call, entry: FunctionEntry, version: string) {
    const { description = '' } = entry.versions.find((one) => one.version === version) ?? {};
    const config = viewAsyncConfig(call, gateway, { entry, qualifier: version });
    return {
      ...viewFunction(call, gateway, resolveFunction(entry, version, '') ?? entry),
      version_description: description,
      ...(config === undefined ? {} : { function_async_config: config }),
    };
  }
}
