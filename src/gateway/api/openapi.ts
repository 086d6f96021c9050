import { setImmediate } from 'node:timers/promises';
import type { Hono } from 'hono';
import { z } from 'zod';
import type { GatewayEnv } from '../ports.ts';
import { problemSchema } from './common-schemas.ts';
import { type DescribedRoute, namesIn } from './route.ts';

/** Serves the OpenAPI 3.1 document of these routes, which is built at its first request: most gateways never get one. */
export function addDocument(app: Hono<GatewayEnv>, routes: readonly DescribedRoute[], version: string): void {
  let document: Promise<string> | undefined;
  app.get('/openapi.json', async (call) => {
    document ??= documentOf(routes, version);
    return call.body(await document, 200, { 'content-type': 'application/json' });
  });
}

/** Takes one turn of the event loop for each route, because callers without a credential may ask for the document (SHARE1). */
async function documentOf(routes: readonly DescribedRoute[], version: string): Promise<string> {
  const paths: Record<string, Record<string, object>> = {};
  for (const route of routes) {
    paths[route.path] = { ...paths[route.path], [route.method]: operationOf(route) };
    await setImmediate();
  }
  return JSON.stringify({
    openapi: '3.1.0',
    info: {
      title: 'Sequent',
      version,
      description: 'Asynchronous invocations on NATS JetStream',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    security: [{ token: [] }, { bearer: [] }],
    components: {
      securitySchemes: { token: { type: 'apiKey', in: 'header', name: 'X-Auth-Token' }, bearer: { type: 'http', scheme: 'bearer' } },
      schemas: { Problem: schemaOf(problemSchema) },
    },
    paths,
  });
}

const text = { type: 'string' };
const problem = { description: 'a problem', ...contentOf('application/problem+json', { $ref: '#/components/schemas/Problem' }) };

/** The name that generated clients give to the call, such as `postApiFunctionsByNameInvocations`. It follows from the route, so it is stable. */
function operationIdOf({ method, path }: DescribedRoute): string {
  const words = path.split('/').flatMap((part) => (part.startsWith('{') ? ['by', part.slice(1, -1)] : part.split(/[^A-Za-z0-9]+/)));
  return method + words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
}

function operationOf(route: DescribedRoute): object {
  const { path, summary, query, body, streams, headers = [], answers } = route;
  const parameters = [
    ...namesIn(path).map((name) => ({ name, in: 'path', required: true, schema: text })),
    ...Object.entries(query?.shape ?? {}).map(([name, schema]) => queryParameter(name, schema)),
    ...headers.map((name) => ({ name, in: 'header', required: false, schema: text })),
  ];
  const content = body === undefined ? streams && contentOf(streams, text) : contentOf('application/json', schemaOf(body));
  return {
    operationId: operationIdOf(route),
    summary,
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(content === undefined ? {} : { requestBody: content }),
    responses: {
      ...Object.fromEntries(Object.entries(answers).map(([status, one]) => [status, answerOf(one)])),
      '4XX': problem,
      default: problem,
    },
  };
}

function queryParameter(name: string, schema: z.ZodType): object {
  const { description, ...described } = schemaOf(schema);
  return { name, in: 'query', required: !schema.safeParse(undefined).success, description, schema: described };
}

function answerOf({ description, schema, type }: DescribedRoute['answers'][number]): object {
  if (schema !== undefined) return { description, ...contentOf('application/json', schemaOf(schema)) };
  return { description, ...(type === undefined ? {} : contentOf(type, text)) };
}

function contentOf(type: string, schema: object): { content: object } {
  return { content: { [type]: { schema } } };
}

/** OpenAPI 3.1 uses JSON Schema. The schema of an input permits further properties in a reply, as the next version may send them. */
function schemaOf(schema: z.ZodType): z.core.JSONSchema.JSONSchema {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any', override: withoutSafeBounds });
  return rest;
}

/** zod writes the bounds of safe integers into the schema of every integer. */
function withoutSafeBounds({ jsonSchema }: { jsonSchema: z.core.JSONSchema.BaseSchema }): void {
  if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
  if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
}
