import type { Hono } from 'hono';
import { z } from 'zod';
import { requirementOf } from '#src/core/text/problems.ts';
import { parseBody, parseCodeBody } from '#src/gateway/http/bodies/body.ts';
import type { JsonBounds } from '#src/gateway/http/bodies/json-scan.ts';
import type { ContentPath } from '#src/gateway/http/bodies/large-json.ts';
import { HttpError, type Issue } from '#src/gateway/http/http-error.ts';
import type { Call, GatewayEnv } from '../ports.ts';

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
  /** Where a body of megabytes has the contents of files. */
  contents?: readonly ContentPath[];
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
      const { query = nothing, body, isBodyOptional = false, bounds, contents, path, method } = route;
      const names = namesIn(path);
      const read = readQuery(query);
      // A body without code is parsed before the first wait.
      const parsed = (call: Call): unknown => {
        if (body === undefined) return undefined;
        if (contents !== undefined) return parseCodeBody(call, body, { bounds, contents });
        const bytes = call.get('body');
        return parseBody(isBodyOptional && bytes.length === 0 ? EMPTY : bytes, body, { bounds });
      };
      app.on(method.toUpperCase(), path.replaceAll(/\{(\w+)\}/g, ':$1'), (call): Response | Promise<Response> => {
        const params = Object.fromEntries(names.map((name) => [name, call.req.param(name as never)]));
        // `as never` is sound: each part was parsed by the schema of this route.
        const handle = (content: unknown) => handler(call, { params, query: read(call), body: content } as never);
        const given = parsed(call);
        return given instanceof Promise ? given.then(handle) : handle(given);
      });
    },
  };
}

/** The names of the parameters in a path. */
export function namesIn(path: string): string[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? '');
}

const EMPTY = new TextEncoder().encode('{}');

/**
 * Returns a reader of queries by a schema; a repeated parameter becomes an array. The reader throws `HttpError` 400, which names every
 * invalid or unknown parameter.
 */
function readQuery<Schema extends z.ZodObject>(schema: Schema): (call: Call) => z.output<Schema> {
  const bare = schema.safeParse({});
  return (call) => {
    if (bare.success && !call.req.url.includes('?')) return bare.data;
    const given = Object.fromEntries(Object.entries(call.req.queries()).map(([name, all]) => [name, all.length === 1 ? all[0] : all]));
    const parsed = schema.safeParse(given);
    if (parsed.success) return parsed.data;
    const errors = parsed.error.issues.flatMap((issue) => issuesOf(issue, Object.keys(schema.shape)));
    throw new HttpError({ status: 400, message: errors.map(({ parameter, detail }) => `${parameter} ${detail}`).join('; '), errors });
  };
}

function issuesOf(issue: z.core.$ZodIssue, known: readonly string[]): Issue[] {
  if (issue.code !== 'unrecognized_keys') return [{ parameter: String(issue.path[0] ?? 'the query'), detail: requirementOf(issue) }];
  const advice = known.length === 0 ? 'this route takes none' : `known are ${known.join(', ')}`;
  return issue.keys.map((name) => ({ parameter: name.slice(0, 64), detail: `is no query parameter; ${advice}` }));
}
