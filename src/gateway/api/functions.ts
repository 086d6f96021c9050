import { ConflictError, FunctionNotFoundError, InvalidInputError } from '#src/core/errors.ts';
import type { FunctionEntry } from '#src/core/functions/entry.ts';
import type { FunctionName } from '#src/core/names/names.ts';
import { HttpError } from '#src/gateway/http/http-error.ts';
import type { Call, Gateway } from '../ports.ts';
import { type Scope, scopeOf } from '../scope.ts';
import { withoutUndefined } from './invocation-view.ts';
import { toProblem } from './problem.ts';
import type { Routes } from './route.ts';
import {
  type FunctionSummary,
  type FunctionView,
  functionBodySchema,
  functionSchema,
  functionsSchema,
  policyBodySchema,
} from './schemas/functions.ts';

const answers = { 200: { description: 'the function; ETag is its revision', schema: functionSchema } };

/** Functions as Sequent defines them. `ETag` is the revision; a change says by `If-Match` which one it was made from. */
export function addFunctionRoutes(routes: Routes, gateway: Gateway): void {
  const { client, records } = gateway;

  async function find(name: FunctionName): Promise<FunctionEntry | undefined> {
    return await client.functions.get(name).catch((error: unknown) => {
      if (error instanceof FunctionNotFoundError) return undefined;
      throw error;
    });
  }
  /** Stores it if it is still at that revision. Throws `HttpError` 412 when somebody else was faster. */
  async function store(definition: object, expected: number | undefined): Promise<FunctionEntry> {
    await client.functions.put(definition, expected).catch((cause: unknown) => {
      if (!(cause instanceof ConflictError) || expected === undefined) throw cause;
      throw new HttpError({ status: 412, message: cause.message }, { cause });
    });
    const { name } = definition as { name: string };
    // What the vendor's API knew of an earlier function of this name, which somebody deleted elsewhere.
    if (expected === 0) await Promise.all([records.deleteFunction(name), records.deleteAsyncConfig(name)]);
    return await client.functions.get(name);
  }
  const reply = (call: Call, found: FunctionEntry): Response =>
    call.json(viewOf(found, scopeOf(call, gateway)), 200, { ETag: `"${found.revision}"` });

  routes.add(
    {
      method: 'get',
      path: '/api/functions',
      summary: 'All functions',
      answers: { 200: { description: 'the functions, by name', schema: functionsSchema } },
    },
    async (call) => {
      const scope = scopeOf(call, gateway);
      const all = (await client.functions.list()).filter(({ definition }) => scope.owns(definition.name));
      return call.json({ functions: all.map((found) => summaryOf(found, scope)) });
    },
  );

  routes.add({ method: 'get', path: '/api/functions/{name}', summary: 'One function', answers }, async (call, { params }) =>
    reply(call, await client.functions.get(scopeOf(call, gateway).token(params.name))),
  );

  routes.add(
    {
      method: 'put',
      path: '/api/functions/{name}',
      summary: 'Define a function, or change it',
      headers: ['If-Match'],
      body: functionBodySchema,
      answers,
    },
    async (call, { params, body }) => {
      const name = scopeOf(call, gateway).token(params.name);
      const { name: named = params.name, ...rest } = body as { name?: unknown };
      if (named !== params.name)
        throw new InvalidInputError({ field: 'name', problem: `is not the name of the path, ${JSON.stringify(params.name)}` });
      const expected = await expectedRevision(call, () => find(name));
      return reply(call, await store({ ...rest, name }, expected));
    },
  );

  routes.add(
    {
      method: 'patch',
      path: '/api/functions/{name}/policy',
      summary: 'Change its asynchronous policy: retries, age, who is told',
      headers: ['If-Match'],
      body: policyBodySchema,
      answers,
    },
    async (call, { params, body }) => {
      const found = await client.functions.get(scopeOf(call, gateway).token(params.name));
      const expected = await expectedRevision(call, async () => found);
      const changed = { ...found.definition, policy: { ...found.definition.policy, ...body } };
      return reply(call, await store(changed, expected ?? found.revision).catch(relativeTo('/policy')));
    },
  );

  for (const [verb, paused] of [
    ['pause', true],
    ['resume', false],
  ] as const) {
    routes.add(
      {
        method: 'post',
        path: `/api/functions/{name}/${verb}`,
        summary: paused ? 'Start nothing of it any more; what is queued waits, and ages' : 'Start what waits again',
        answers,
      },
      async (call, { params }) => {
        const name = scopeOf(call, gateway).token((params as { name: string }).name);
        for (let tries = 1; ; tries++) {
          const found = await client.functions.get(name);
          try {
            return reply(call, await store({ ...found.definition, paused }, found.revision));
          } catch (error) {
            // Somebody changed something else of it meanwhile.
            if (!(error instanceof HttpError) || error.status !== 412 || tries === 5) throw error;
          }
        }
      },
    );
  }

  routes.add(
    {
      method: 'delete',
      path: '/api/functions/{name}',
      summary: 'Delete a function; what is queued for it then fails',
      headers: ['If-Match'],
      answers: { 204: { description: 'deleted' } },
    },
    async (call, { params }) => {
      const name = scopeOf(call, gateway).token(params.name);
      const given = revisionIn(call);
      const found = await client.functions.get(name);
      if (typeof given === 'number' && given !== found.revision) throw changed(name);
      await client.functions.delete(name);
      await records.deleteFunction(name);
      await records.deleteAsyncConfig(name);
      return call.body(null, 204);
    },
  );
}

/**
 * The revision that a change was made from: 0 for a function that is not there yet, `undefined` for whatever it is (`If-Match: *`).
 * Throws `HttpError` 428 when a function would be overwritten unseen, and 412.
 */
async function expectedRevision(call: Call, find: () => Promise<FunctionEntry | undefined>): Promise<number | undefined> {
  const given = revisionIn(call);
  if (typeof given === 'number') return given;
  const found = await find();
  if (given === '*') {
    if (found === undefined) throw new HttpError({ status: 412, message: 'there is no such function yet' });
    return undefined;
  }
  if (found === undefined) return 0;
  const message = `the function exists: send its ETag, "${found.revision}", as If-Match, or "*" to overwrite whatever it is`;
  throw new HttpError({ status: 428, message, errors: [{ parameter: 'If-Match', detail: 'is missing' }] });
}

function revisionIn(call: Call): number | '*' | undefined {
  const text = call.req.header('if-match');
  if (text === undefined || text === '*') return text;
  const revision = /^(?:W\/)?"(\d{1,15})"$/.exec(text)?.[1];
  if (revision !== undefined) return Number(revision);
  throw new InvalidInputError({ field: 'If-Match', problem: 'must be the ETag of the function' });
}

function changed(name: string): HttpError {
  return new HttpError({ status: 412, message: `function "${name}" was changed by somebody else meanwhile` });
}

/** A part of a definition was sent: what is wrong in it is named from there. */
function relativeTo(prefix: string): (thrown: unknown) => never {
  return (thrown) => {
    if (!(thrown instanceof InvalidInputError)) throw thrown;
    const asked = new HttpError({ status: 400, message: thrown.message }, { cause: thrown });
    const errors = toProblem(asked).errors?.map(({ pointer, ...rest }) =>
      withoutUndefined({ ...rest, pointer: pointer?.startsWith(prefix) ? pointer.slice(prefix.length) : pointer }),
    );
    throw errors === undefined ? asked : new HttpError({ status: 400, message: thrown.message, errors }, { cause: thrown });
  };
}

function versionsOf({ versions, aliases }: FunctionEntry): Pick<FunctionView, 'versions' | 'aliases'> {
  return {
    versions: versions.map(({ version, description, publishedAt }) => ({ version, description, published_at: publishedAt })),
    aliases: aliases.map(({ name, version, description, weights }) => ({ alias: name, version, description, weights })),
  };
}

function summaryOf(found: FunctionEntry, scope: Scope): FunctionSummary {
  const { name, description, handler, paused, policy } = found.definition;
  return {
    name: scope.nameOf(name),
    description,
    handler_kind: handler.kind,
    paused,
    revision: found.revision,
    policy,
    ...versionsOf(found),
  };
}

function viewOf(found: FunctionEntry, scope: Scope): FunctionView {
  return {
    definition: { ...found.definition, name: scope.nameOf(found.definition.name) as FunctionName },
    revision: found.revision,
    ...versionsOf(found),
  };
}
