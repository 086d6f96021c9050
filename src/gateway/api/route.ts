import { createRoute, OpenAPIHono } from '@hono/zod-openapi';
import type { Hono } from 'hono';
import { z } from 'zod';
import { parseBody } from '#src/gateway/http/body.ts';
import type { Call, GatewayEnv } from '../ports.ts';
import { readQuery } from './query.ts';
import { problemSchema } from './schemas/common.ts';

/** One route of the own API: its method, path, input and replies. The same object validates requests and documents the route. */
type Route<Path extends string, Query extends z.ZodObject, Body extends z.ZodType> = {
  method: 'get' | 'post' | 'put' | 'patch' | 'delete';
  /** With names in braces: `/api/invocations/{id}`. */
  path: Path;
  summary: string;
  query?: Query;
  body?: Body;
  /** Whether an empty body is read as `{}`. */
  isBodyOptional?: boolean;
  /** The media type of a body that the handler reads itself, part by part. */
  streams?: string;
  /** The request headers that the route reads. */
  headers?: readonly string[];
  answers: Readonly<Record<number, Answer>>;
};

type Answer = { description: string; schema?: z.ZodType; type?: string };

type NamesIn<Path extends string> = Path extends `${string}{${infer Name}}${infer Rest}` ? Name | NamesIn<Rest> : never;
type Given<Path extends string, Query extends z.ZodObject, Body extends z.ZodType> = {
  params: Record<NamesIn<Path>, string>;
  query: z.output<Query>;
  body: z.output<Body>;
};

type Nothing = z.ZodObject<Record<never, never>, z.core.$strict>;
type Handler<Path extends string, Query extends z.ZodObject, Body extends z.ZodType> = (
  call: Call,
  given: Given<Path, Query, Body>,
) => Response | Promise<Response>;

export interface Routes {
  add<Path extends string, Query extends z.ZodObject = Nothing, Body extends z.ZodType = z.ZodUndefined>(
    route: Route<Path, Query, Body>,
    handler: Handler<Path, Query, Body>,
  ): void;
  /** Documents a route that is served outside of `Routes`. */
  describe<Path extends string, Query extends z.ZodObject = Nothing, Body extends z.ZodType = z.ZodUndefined>(
    route: Route<Path, Query, Body>,
  ): void;
  /** The OpenAPI 3.1 document of all routes. */
  document(version: string): object;
}

const nothing: Nothing = z.strictObject({});

/**
 * Adds routes to an app, and documents them.
 *
 * `authenticate` has read the body before a route runs. The validators of `@hono/zod-openapi` would read the body again, so `createRoutes`
 * validates requests itself and uses that library for the document only.
 */
export function createRoutes(app: Hono<GatewayEnv>): Routes {
  const described = new OpenAPIHono();

  function describe({
    method,
    path,
    summary,
    query,
    body,
    streams,
    headers = [],
    answers,
  }: Omit<Route<string, z.ZodObject, z.ZodType>, never>): void {
    const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? '');
    const texts = (all: readonly string[], schema: z.ZodType) => z.object(Object.fromEntries(all.map((name) => [name, schema])));
    const json = (schema: z.ZodType) => ({ 'application/json': { schema } });
    described.openAPIRegistry.registerPath(
      createRoute({
        method,
        path,
        summary,
        request: {
          ...(names.length === 0 ? {} : { params: texts(names, z.string()) }),
          ...(query === undefined ? {} : { query }),
          ...(headers.length === 0 ? {} : { headers: texts(headers, z.string().optional()) }),
          ...(body === undefined ? {} : { body: { content: json(body) } }),
          ...(streams === undefined ? {} : { body: { content: { [streams]: { schema: z.string() } } } }),
        },
        responses: {
          ...Object.fromEntries(
            Object.entries(answers).map(([status, { description, schema, type }]) => [
              status,
              schema !== undefined
                ? { description, content: json(schema) }
                : type !== undefined
                  ? { description, content: { [type]: { schema: z.string() } } }
                  : { description },
            ]),
          ),
          default: { description: 'a problem', content: { 'application/problem+json': { schema: problemSchema } } },
        },
      }),
    );
  }

  return {
    describe: (route) => describe(route as never),
    add(route, handler) {
      describe(route as never);
      const { query = nothing, body, isBodyOptional = false, path, method } = route;
      const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? '');
      const read = readQuery(query);
      app.on(method.toUpperCase(), path.replaceAll(/\{(\w+)\}/g, ':$1'), (call) => {
        const params = Object.fromEntries(names.map((name) => [name, call.req.param(name as never)]));
        const bytes = call.get('body');
        const given = body === undefined ? undefined : parseBody(isBodyOptional && bytes.length === 0 ? EMPTY : bytes, body);
        // `as never` is sound: each part was parsed by the schema of this route.
        return handler(call, { params, query: read(call), body: given } as never);
      });
    },
    document(version) {
      described.openAPIRegistry.registerComponent('securitySchemes', 'token', { type: 'apiKey', in: 'header', name: 'X-Auth-Token' });
      described.openAPIRegistry.registerComponent('securitySchemes', 'bearer', { type: 'http', scheme: 'bearer' });
      return described.getOpenAPI31Document({
        openapi: '3.1.0',
        info: { title: 'Sequent', version, description: 'Asynchronous invocations on NATS JetStream' },
        security: [{ token: [] }, { bearer: [] }],
      });
    },
  };
}

const EMPTY = new TextEncoder().encode('{}');
