import type { Hono } from 'hono';
import { z } from 'zod';
import { aliasOf } from '#src/core/functions/canary.ts';
import { type AliasInput, aliasSchema, type FunctionAlias } from '#src/core/functions/entry.ts';
import { parseBody } from '#src/gateway/http/bodies/body.ts';
import { HttpError } from '#src/gateway/http/http-error.ts';
import type { Call, Gateway, GatewayEnv } from '../../ports.ts';
import { scopeOf } from '../../scope.ts';
import { inSeconds } from '../times.ts';
import { changeableTarget } from './functions.ts';

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
    const { name, ...change } = parseBody(call.get('body'), createSchema, { vendorCodes: CODES });
    const created = await client.functions.changeAlias(fn, ({ aliases }) => {
      if (aliases.some((alias) => alias.name === name))
        throw new HttpError({ status: 409, vendorCode: 'FSS.1063', message: `the alias ${name} exists already` });
      return aliasFrom(name, change);
    });
    return call.json(view(call, fn, created));
  });

  app.get(ROUTE, async (call) => {
    const fn = await changeableTarget(call, gateway);
    return call.json((await client.functions.get(fn)).aliases.map((alias) => view(call, fn, alias)));
  });

  app.get(`${ROUTE}/:alias`, async (call) => {
    const fn = await changeableTarget(call, gateway);
    return call.json(view(call, fn, aliasOf(await client.functions.get(fn), call.req.param('alias'))));
  });

  app.put(`${ROUTE}/:alias`, async (call) => {
    const fn = await changeableTarget(call, gateway);
    const change = parseBody(call.get('body'), changeSchema, { vendorCodes: CODES });
    const updated = await client.functions.changeAlias(fn, (present) => aliasFrom(aliasOf(present, call.req.param('alias')).name, change));
    return call.json(view(call, fn, updated));
  });

  app.delete(`${ROUTE}/:alias`, async (call) => {
    const fn = await changeableTarget(call, gateway);
    const { name } = aliasOf(await client.functions.get(fn), call.req.param('alias'));
    const deleteRecords = await records.deletionOf(fn, `!${name}`);
    await client.functions.deleteAlias(fn, name);
    await deleteRecords();
    return call.body(null, 204);
  });

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

function aliasFrom(name: string, change: z.infer<typeof changeSchema>): AliasInput {
  const { version: target, description: text, additional_version_weights: shares } = change;
  return { name, version: target, description: text ?? '', weights: shares ?? {} };
}
