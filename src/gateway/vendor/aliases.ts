import type { Hono } from 'hono';
import { z } from 'zod';
import { FunctionNotFoundError } from '#src/core/errors.ts';
import { aliasSchema, type FunctionAlias } from '#src/core/functions/entry.ts';
import { parseBody } from '#src/gateway/http/body.ts';
import { HttpError } from '#src/gateway/http/http-error.ts';
import type { Call, Gateway, GatewayEnv } from '../ports.ts';
import { scopeOf } from '../scope.ts';
import { changeableTarget } from './functions.ts';
import { inSeconds } from './times.ts';

const ROUTE = '/v2/:project/fgs/functions/:urn/aliases';
const CODES = { name: 'FSS.1014', version: 'FSS.1015', description: 'FSS.1019', additional_version_weights: 'FSS.1015' };

const { name: nameSchema, version, description, weights } = aliasSchema.shape;
const changeSchema = z.object({
  version,
  description: description.nullish(),
  additional_version_weights: weights.nullish(),
  additional_version_strategy: z
    .record(z.string(), z.unknown())
    .refine((rules) => Object.keys(rules).length === 0, 'is not supported: only weights')
    .nullish(),
});
const createSchema = changeSchema.extend({ name: nameSchema });

/** Creates, lists, shows, updates and deletes the aliases of a function. */
export function addAliases(app: Hono<GatewayEnv>, gateway: Gateway): void {
  const { client, records } = gateway;

  app.post(ROUTE, async (call) => {
    const fn = await changeableTarget(call, gateway);
    const { name, ...change } = parseBody(call.get('body'), createSchema, CODES);
    if ((await client.functions.get(fn)).aliases.some((alias) => alias.name === name))
      throw new HttpError({ status: 409, vendorCode: 'FSS.1063', message: `the alias ${name} exists already` });
    return call.json(view(call, fn, await put(fn, name, change)));
  });

  app.get(ROUTE, async (call) => {
    const fn = await changeableTarget(call, gateway);
    return call.json((await client.functions.get(fn)).aliases.map((alias) => view(call, fn, alias)));
  });

  app.get(`${ROUTE}/:alias`, async (call) => {
    const fn = await changeableTarget(call, gateway);
    return call.json(view(call, fn, await expectAlias(fn, call.req.param('alias'))));
  });

  app.put(`${ROUTE}/:alias`, async (call) => {
    const fn = await changeableTarget(call, gateway);
    const change = parseBody(call.get('body'), changeSchema, CODES);
    const { name } = await expectAlias(fn, call.req.param('alias'));
    return call.json(view(call, fn, await put(fn, name, change)));
  });

  app.delete(`${ROUTE}/:alias`, async (call) => {
    const fn = await changeableTarget(call, gateway);
    const { name } = await expectAlias(fn, call.req.param('alias'));
    await client.functions.deleteAlias(fn, name);
    await records.deleteAsyncConfig(fn, `!${name}`);
    return call.body(null, 204);
  });

  async function put(fn: string, name: string, change: z.infer<typeof changeSchema>): Promise<FunctionAlias> {
    const { version: target, description: text, additional_version_weights: shares } = change;
    return await client.functions.putAlias(fn, { name, version: target, description: text ?? '', weights: shares ?? {} });
  }

  async function expectAlias(fn: string, name: string): Promise<FunctionAlias> {
    const found = (await client.functions.get(fn)).aliases.find((alias) => alias.name === name);
    if (found === undefined) throw new FunctionNotFoundError({ name: fn, qualifier: `!${name}` });
    return found;
  }

  function view(call: Call, fn: string, alias: FunctionAlias) {
    return {
      name: alias.name,
      version: alias.version,
      description: alias.description,
      last_modified: inSeconds(alias.changedAt),
      alias_urn: scopeOf(call, gateway).urnOf(fn, `!${alias.name}`),
      additional_version_weights: alias.weights,
      additional_version_strategy: {},
    };
  }
}
