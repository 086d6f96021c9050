import type { Hono } from 'hono';
import { z } from 'zod';
import { ConflictError, InvalidInputError } from '#src/core/errors.ts';
import { parseBody } from '../body.ts';
import { HttpError } from '../http-error.ts';
import type { Gateway, GatewayEnv } from '../ports.ts';

const objectSchema = z.record(z.string(), z.unknown());

/** Functions as Sequent defines them. `ETag` is the revision, and `If-Match` guards against somebody else's change. */
export function addFunctionRoutes(app: Hono<GatewayEnv>, { client, records }: Gateway): void {
  app.get('/api/functions', async (call) => call.json({ functions: await client.functions.list() }));

  app.get('/api/functions/:name', async (call) => {
    const found = await client.functions.get(call.req.param('name'));
    return call.json(found, 200, { ETag: `"${found.revision}"` });
  });

  app.put('/api/functions/:name', async (call) => {
    const name = call.req.param('name');
    const given = parseBody(call.get('body'), objectSchema);
    const { name: named = name } = given;
    if (named !== name) throw new InvalidInputError({ field: 'name', problem: `is not the name of the path, ${JSON.stringify(name)}` });
    const expected = revisionOf(call.req.header('if-match'));
    const stored = await client.functions.put({ ...given, name }, expected).catch((cause: unknown) => {
      if (!(cause instanceof ConflictError) || expected === undefined) throw cause;
      throw new HttpError({ status: 412, message: cause.message }, { cause });
    });
    return call.json(stored, 200, { ETag: `"${stored.revision}"` });
  });

  app.delete('/api/functions/:name', async (call) => {
    const name = call.req.param('name');
    await client.functions.delete(name);
    await records.deleteFunction(name);
    await records.deleteAsyncConfig(name);
    return call.body(null, 204);
  });
}

function revisionOf(ifMatch: string | undefined): number | undefined {
  if (ifMatch === undefined) return undefined;
  const revision = /^"(\d{1,15})"$/.exec(ifMatch)?.[1];
  if (revision !== undefined) return Number(revision);
  throw new InvalidInputError({ field: 'If-Match', problem: 'must be the ETag of the function' });
}
