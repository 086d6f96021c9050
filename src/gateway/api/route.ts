import type { Hono } from 'hono';
import { z } from 'zod';
import { parseBody } from '#src/gateway/http/bodies/body.ts';
import type { JsonBounds } from '#src/gateway/http/bodies/json-scan.ts';
import type { Call, GatewayEnv } from '../ports.ts';
import { readQuery } from './query.ts';

/** A route of any input. */
export type DescribedRoute = Route<string, z.ZodObject, z.ZodType>;

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
  /** What the JSON of the body may cost; by default that of a description. */
  bounds?: JsonBounds;
  /** The media type of a body that the handler reads itself, part by part. */
  streams?: string;
  /** The request headers that the route reads. */
  headers?: readonly string[];
  answers: Readonly<Record<number, Answer>>;
};

type Answer = { description: string; schema?: z.ZodType; type?: string };

type NamesIn<Path extends string> = Path extends `${string}{${infer Name}}${infer Rest}` ? Name | NamesIn<Rest> : never;
type ParsedRequest<Path extends string, Query extends z.ZodObject, Body extends z.ZodType> = {
  params: Record<NamesIn<Path>, string>;
  query: z.output<Query>;
  body: z.output<Body>;
};

type Nothing = z.ZodObject<Record<never, never>, z.core.$strict>;
type Handler<Path extends string, Query extends z.ZodObject, Body extends z.ZodType> = (
  call: Call,
  given: ParsedRequest<Path, Query, Body>,
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
  /** All routes, for their documentation. */
  readonly described: readonly DescribedRoute[];
}

const nothing: Nothing = z.strictObject({});

/** Adds routes to an app, and keeps their descriptions. `authenticate` has read the body before a route runs. */
export function createRoutes(app: Hono<GatewayEnv>): Routes {
  const described: DescribedRoute[] = [];

  return {
    described,
    describe: (route) => void described.push(route),
    add(route, handler) {
      described.push(route);
      const { query = nothing, body, isBodyOptional = false, bounds, path, method } = route;
      const names = namesIn(path);
      const read = readQuery(query);
      app.on(method.toUpperCase(), path.replaceAll(/\{(\w+)\}/g, ':$1'), (call) => {
        const params = Object.fromEntries(names.map((name) => [name, call.req.param(name as never)]));
        const bytes = call.get('body');
        const given = body === undefined ? undefined : parseBody(isBodyOptional && bytes.length === 0 ? EMPTY : bytes, body, { bounds });
        // `as never` is sound: each part was parsed by the schema of this route.
        return handler(call, { params, query: read(call), body: given } as never);
      });
    },
  };
}

/** The names of the parameters in a path. */
export function namesIn(path: string): string[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? '');
}

const EMPTY = new TextEncoder().encode('{}');
