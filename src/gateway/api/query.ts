import type { z } from 'zod';
import { HttpError, type Issue } from '#src/gateway/http/http-error.ts';
import type { Call } from '../ports.ts';

/**
 * Returns a reader of queries by a schema; a repeated parameter becomes an array. The reader throws `HttpError` 400, which names every
 * invalid or unknown parameter.
 */
export function readQuery<Schema extends z.ZodObject>(schema: Schema): (call: Call) => z.output<Schema> {
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
  if (issue.code !== 'unrecognized_keys') return [{ parameter: String(issue.path[0] ?? 'the query'), detail: issue.message }];
  const advice = known.length === 0 ? 'this route takes none' : `known are ${known.join(', ')}`;
  return issue.keys.map((name) => ({ parameter: name.slice(0, 64), detail: `is no query parameter; ${advice}` }));
}
