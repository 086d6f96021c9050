import { z } from 'zod';
import { functionDefinitionSchema } from '#src/core/function-definition.ts';
import * as schemas from './schemas.ts';

type Answer = { status: number; description: string; schema?: z.ZodType; type?: string };
type Operation = {
  method: 'get' | 'post' | 'put' | 'delete';
  path: string;
  summary: string;
  headers?: readonly string[];
  query?: readonly string[];
  body?: z.ZodType;
  answers: readonly Answer[];
};

const anything = z.unknown();
const invocation = { status: 200, description: 'the invocation', schema: schemas.invocationSchema };
const accepted = {
  status: 202,
  description: 'accepted, and durable',
  schema: z.union([schemas.acceptedSchema, schemas.batchAcceptedSchema]),
};
const events = { status: 200, description: 'server-sent events; the id is the sequence in the log', type: 'text/event-stream' };
const registered = { status: 200, description: 'the function', schema: schemas.registeredFunctionSchema };
const gone = { status: 204, description: 'deleted' };

const operations: readonly Operation[] = [
  {
    method: 'get',
    path: '/api/functions',
    summary: 'All functions',
    answers: [{ status: 200, description: 'the functions', schema: schemas.functionsSchema }],
  },
  { method: 'get', path: '/api/functions/{name}', summary: 'One function', answers: [registered] },
  {
    method: 'put',
    path: '/api/functions/{name}',
    summary: 'Define a function',
    headers: ['If-Match'],
    body: functionDefinitionSchema,
    answers: [registered],
  },
  { method: 'delete', path: '/api/functions/{name}', summary: 'Delete a function', answers: [gone] },
  {
    method: 'post',
    path: '/api/functions/{name}/invocations',
    summary: 'Invoke a function, or with ?batch once for each element of an array',
    headers: ['Idempotency-Key', 'Prefer', 'traceparent'],
    query: ['batch', 'qualifier'],
    body: anything,
    answers: [accepted, invocation],
  },
  { method: 'get', path: '/api/invocations/{id}', summary: 'State and result', headers: ['Prefer'], answers: [invocation] },
  {
    method: 'get',
    path: '/api/invocations/{id}/events',
    summary: 'Everything that happened to it',
    answers: [{ status: 200, description: 'the events', schema: schemas.eventsSchema }],
  },
  {
    method: 'get',
    path: '/api/invocations/{id}/events/stream',
    summary: 'The same, live until it is over',
    headers: ['Last-Event-ID'],
    answers: [events, { status: 204, description: 'it is over, and nothing was missed' }],
  },
  {
    method: 'post',
    path: '/api/invocations/{id}/redrive',
    summary: 'Run it again, as a new invocation',
    body: schemas.redriveRequestSchema,
    answers: [{ status: 202, description: 'accepted', schema: schemas.acceptedSchema }],
  },
  {
    method: 'get',
    path: '/api/transitions',
    summary: 'All transitions, live',
    headers: ['Last-Event-ID'],
    query: ['function'],
    answers: [events],
  },
  { method: 'get', path: '/healthz', summary: 'Whether the process lives', answers: [{ status: 200, description: 'it does' }] },
  {
    method: 'get',
    path: '/readyz',
    summary: 'Whether it can accept',
    answers: [
      { status: 200, description: 'it can' },
      { status: 503, description: 'it cannot' },
    ],
  },
  {
    method: 'get',
    path: '/metrics',
    summary: 'Metrics for Prometheus',
    answers: [{ status: 200, description: 'the metrics', type: 'text/plain' }],
  },
];

/** The description of the own API, in OpenAPI 3.1. The vendor's API is described by the vendor. */
export function openApiDocument(): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const operation of operations) {
    const entry = paths[operation.path] ?? {};
    entry[operation.method] = describe(operation);
    paths[operation.path] = entry;
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Sequent', version: '1', description: 'Asynchronous invocations on NATS JetStream' },
    paths,
    components: {
      securitySchemes: { token: { type: 'apiKey', in: 'header', name: 'X-Auth-Token' }, bearer: { type: 'http', scheme: 'bearer' } },
    },
    security: [{ token: [] }, { bearer: [] }],
  };
}

function describe({ path, summary, headers = [], query = [], body, answers }: Operation): object {
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => parameter(name ?? '', 'path'));
  const parameters = [...inPath, ...query.map((name) => parameter(name, 'query')), ...headers.map((name) => parameter(name, 'header'))];
  const problem = { description: 'a problem', content: { 'application/problem+json': { schema: z.toJSONSchema(schemas.problemSchema) } } };
  return {
    summary,
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === undefined ? {} : { requestBody: { content: { 'application/json': { schema: jsonSchema(body, 'input') } } } }),
    responses: { ...Object.fromEntries(answers.map((answer) => [String(answer.status), response(answer)])), default: problem },
  };
}

function parameter(name: string, where: 'path' | 'query' | 'header'): object {
  return { name, in: where, required: where === 'path', schema: { type: 'string' } };
}

function response({ description, schema, type }: Answer): object {
  if (type !== undefined) return { description, content: { [type]: { schema: { type: 'string' } } } };
  return schema === undefined ? { description } : { description, content: { 'application/json': { schema: jsonSchema(schema, 'input') } } };
}

/** Transformations are not part of a schema: what they take is described. */
function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): object {
  return z.toJSONSchema(schema, { io, unrepresentable: 'any' });
}
