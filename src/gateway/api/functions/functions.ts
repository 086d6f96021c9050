import type { z } from 'zod';
import { FunctionNotFoundError, InvalidInputError } from '#src/core/errors.ts';
import type { Policy } from '#src/core/functions/definition.ts';
import { mergeDefinition } from '#src/core/functions/merge-definition.ts';
import { HttpError } from '#src/gateway/http/http-error.ts';
import type { Gateway } from '../../ports.ts';
import { type Scope, scopeOf } from '../../scope.ts';
import { withoutUndefined } from '../invocations/invocation-view.ts';
import { issuesIn } from '../problem.ts';
import type { Routes } from '../route.ts';
import { functionBodySchema, functionsQuerySchema, functionsSchema, policyBodySchema, policyQuerySchema } from './function-schemas.ts';
import { deleteFunction, expectedRevision, findFunction, revisionIn, storeFunction, storePolicy } from './function-store.ts';
import { functionAnswers, functionSummaryOf, replyWithFunction } from './function-view.ts';

/** Functions as Sequent defines them. `ETag` is the revision; a change names the revision that it is based on by `If-Match`. */
export function addFunctionRoutes(routes: Routes, gateway: Gateway): void {
  addFunctionQueries(routes, gateway);
  addFunctionChanges(routes, gateway);
  addPolicyRoutes(routes, gateway);
  addPauseRoute(routes, gateway, true);
  addPauseRoute(routes, gateway, false);
}

function addFunctionQueries(routes: Routes, gateway: Gateway): void {
  const { client } = gateway;

  routes.add(
    {
      method: 'get',
      path: '/api/functions',
      summary: 'All functions, or a page of them',
      query: functionsQuerySchema,
      answers: { 200: { description: 'the functions, by name', schema: functionsSchema } },
    },
    async (call, { query }) => {
      const scope = scopeOf(call, gateway);
      const after = query.cursor === undefined ? undefined : scope.token(query.cursor);
      const { limit = Number.POSITIVE_INFINITY } = query;
      const { entries, hasMore } = await client.functions.page({ after, limit, isWanted: wantedBy(query, scope) });
      const functions = entries.map((found) => functionSummaryOf(found, scope));
      return call.json({ functions, ...(hasMore ? { next_cursor: functions.at(-1)?.name } : {}) });
    },
  );

  routes.add(
    { method: 'get', path: '/api/functions/{name}', summary: 'One function', answers: functionAnswers },
    async (call, { params }) => replyWithFunction(call, gateway, await client.functions.get(scopeOf(call, gateway).token(params.name))),
  );
}

/** Tells by its token whether a function of the caller is wanted. */
function wantedBy({ containing, names }: z.infer<typeof functionsQuerySchema>, scope: Scope): (token: string) => boolean {
  const [part, named] = [containing.toLowerCase(), names === undefined ? undefined : new Set(names.split(','))];
  return (token) => {
    if (!scope.owns(token)) return false;
    const name = scope.nameOf(token);
    return name.toLowerCase().includes(part) && named?.has(name) !== false;
  };
}

function addFunctionChanges(routes: Routes, gateway: Gateway): void {
  const headers = ['If-Match'];

  routes.add(
    {
      method: 'put',
      path: '/api/functions/{name}',
      summary: 'Define a function, or change it',
      headers,
      body: functionBodySchema,
      answers: functionAnswers,
    },
    async (call, { params, body }) => {
      const name = scopeOf(call, gateway).token(params.name);
      const { name: named = params.name, ...definition } = body as { name?: unknown };
      if (named !== params.name)
        throw new InvalidInputError({ field: 'name', problem: `is not the name of the path, ${JSON.stringify(params.name)}` });
      const expected = await expectedRevision(call, () => findFunction(gateway, name));
      return replyWithFunction(call, gateway, await storeFunction(gateway, { ...definition, name }, expected));
    },
  );

  routes.add(
    {
      method: 'delete',
      path: '/api/functions/{name}',
      summary: 'Delete a function; its queued invocations then fail',
      headers,
      answers: { 204: { description: 'deleted' } },
    },
    async (call, { params }) => {
      const name = scopeOf(call, gateway).token(params.name);
      const given = revisionIn(call);
      await deleteFunction(gateway, name, typeof given === 'number' ? given : undefined);
      return call.body(null, 204);
    },
  );
}

function addPolicyRoutes(routes: Routes, gateway: Gateway): void {
  const { client } = gateway;
  const headers = ['If-Match'];

  routes.add(
    {
      method: 'patch',
      path: '/api/functions/{name}/policy',
      summary: 'Change the asynchronous policy of a function: retries, maximum age, destinations',
      query: policyQuerySchema,
      headers,
      body: policyBodySchema,
      answers: functionAnswers,
    },
    async (call, { params, query: { qualifier }, body }) => {
      const scope = scopeOf(call, gateway);
      const found = await client.functions.get(scope.token(params.name));
      const expected = await expectedRevision(call, async () => found);
      const change = (policy: Policy) => mergeDefinition(policy, body) as Policy;
      const stored = await storePolicy(gateway, found, { qualifier, expected, change }).catch(relativeTo('/policy', scope));
      return replyWithFunction(call, gateway, stored);
    },
  );

  routes.add(
    {
      method: 'delete',
      path: '/api/functions/{name}/policy',
      summary: 'Remove the own policy of an alias: the policy of its version then applies. A version gets the policy without retries',
      query: policyQuerySchema,
      headers,
      answers: functionAnswers,
    },
    async (call, { params, query: { qualifier } }) => {
      const found = await client.functions.get(scopeOf(call, gateway).token(params.name));
      const expected = await expectedRevision(call, async () => found);
      return replyWithFunction(call, gateway, await storePolicy(gateway, found, { qualifier, expected, change: () => undefined }));
    },
  );
}

function addPauseRoute(routes: Routes, gateway: Gateway, paused: boolean): void {
  routes.add(
    {
      method: 'post',
      path: `/api/functions/{name}/${paused ? 'pause' : 'resume'}`,
      summary: paused
        ? 'Start no further attempt of a function; its queued invocations wait, and age'
        : 'Start the waiting invocations again',
      answers: functionAnswers,
    },
    async (call, { params }) => {
      const name = scopeOf(call, gateway).token((params as { name: string }).name);
      const stored = await gateway.client.functions.change(name, (present) => {
        if (present === undefined) throw new FunctionNotFoundError({ name });
        return { ...present, paused };
      });
      return replyWithFunction(call, gateway, stored);
    },
  );
}

/** Rethrows an error about a definition of which the caller sent the part at `prefix`, with pointers that are relative to that part. */
function relativeTo(prefix: string, { nameOf }: Scope): (thrown: unknown) => never {
  const shorten = (pointer: string | undefined) => (pointer?.startsWith(prefix) ? pointer.slice(prefix.length) : pointer);
  return (cause) => {
    if (!(cause instanceof InvalidInputError)) throw cause;
    const issues = issuesIn(cause, nameOf);
    const errors = issues?.map(({ pointer, ...issue }) => withoutUndefined({ ...issue, pointer: shorten(pointer) }));
    throw new HttpError({ status: 400, message: cause.messageFor(nameOf), ...(errors === undefined ? {} : { errors }) }, { cause });
  };
}
