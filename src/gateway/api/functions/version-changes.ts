import type { z } from 'zod';
import { LATEST } from '#src/core/functions/definition.ts';
import type { AliasInput } from '#src/core/functions/entry.ts';
import { aliasNameOf } from '#src/core/names/names.ts';
import type { Gateway } from '../../ports.ts';
import { scopeOf } from '../../scope.ts';
import { withoutUndefined } from '../invocations/invocation-view.ts';
import type { Routes } from '../route.ts';
import { aliasBodySchema, publishBodySchema } from './function-schemas.ts';
import { revisionIn, storeAlias } from './function-store.ts';
import { functionAnswers, replyWithFunction } from './function-view.ts';

const deleted = { 204: { description: 'deleted' } };

/** Publishes and deletes versions, and creates, moves and deletes aliases. */
export function addVersionChanges(routes: Routes, gateway: Gateway): void {
  const { client, records } = gateway;

  routes.add(
    {
      method: 'post',
      path: '/api/functions/{name}/versions',
      summary: 'Publish the present definition as a version, which later changes of the function do not affect',
      body: publishBodySchema,
      isBodyOptional: true,
      answers: functionAnswers,
    },
    async (call, { params, body }) => {
      const name = scopeOf(call, gateway).token(params.name);
      const { version } = await client.functions.publish(name, body);
      const record = records.function(name);
      const asyncRecord = records.asyncConfig(name, LATEST);
      if (record !== undefined) await records.putFunction(name, record, version);
      if (asyncRecord !== undefined) await records.putAsyncConfig(name, version, asyncRecord);
      return replyWithFunction(call, gateway, await client.functions.get(name));
    },
  );

  routes.add(
    {
      method: 'delete',
      path: '/api/functions/{name}/versions/{version}',
      summary: 'Delete a version; its queued invocations then fail',
      answers: deleted,
    },
    async (call, { params: { name: given, version } }) => {
      const name = scopeOf(call, gateway).token(given);
      const deleteRecords = await records.deletionOf(name, version);
      await client.functions.deleteVersion(name, version);
      await deleteRecords();
      return call.body(null, 204);
    },
  );

  routes.add(
    {
      method: 'put',
      path: '/api/functions/{name}/aliases/{alias}',
      summary: 'Create an alias, or move it; its own policy stays',
      headers: ['If-Match'],
      body: aliasBodySchema,
      answers: functionAnswers,
    },
    async (call, { params: { name: given, alias }, body }) => {
      const name = scopeOf(call, gateway).token(given);
      const revision = revisionIn(call);
      const expected = typeof revision === 'number' ? revision : undefined;
      return replyWithFunction(call, gateway, await storeAlias(gateway, name, aliasFrom(aliasNameOf(alias), body), expected));
    },
  );

  routes.add(
    {
      method: 'delete',
      path: '/api/functions/{name}/aliases/{alias}',
      summary: 'Delete an alias; its queued invocations then fail',
      answers: deleted,
    },
    async (call, { params: { name: given, alias } }) => {
      const name = scopeOf(call, gateway).token(given);
      const deleteRecords = await records.deletionOf(name, `!${aliasNameOf(alias)}`);
      await client.functions.deleteAlias(name, aliasNameOf(alias));
      await deleteRecords();
      return call.body(null, 204);
    },
  );
}

function aliasFrom(name: string, { auto, ...body }: z.output<typeof aliasBodySchema>): AliasInput {
  const given =
    auto === undefined || auto === null ? { auto } : { auto: withoutUndefined({ promoteAfter: auto.promote_after, margin: auto.margin }) };
  return withoutUndefined({ ...body, ...given, name }) as AliasInput;
}
