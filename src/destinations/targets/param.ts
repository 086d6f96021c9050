import { z } from 'zod';
import { predicateOf } from '#src/core/text/problems.ts';

/** The `param` of a destination: a text that holds JSON, as in FunctionGraph. */
export type ParsedParam<Param> = { kind: 'parsed'; param: Param } | { kind: 'invalid'; problem: string; path: PropertyKey[] };

export const connectionName = z.string().min(1).max(64).optional();

/** Parses the text by the schema of its destination. A problem names the wrong key and the reason. */
export function parseParam<Param>(schema: z.ZodType<Param>, text: string): ParsedParam<Param> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return { kind: 'invalid', problem: 'must be a text that holds JSON', path: [] };
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return { kind: 'parsed', param: parsed.data };
  const [issue] = parsed.error.issues;
  return { kind: 'invalid', problem: issue === undefined ? 'is not valid' : predicateOf(issue), path: issue?.path ?? [] };
}

/** The sentence that refuses a `param`. It names the nested field, such as `param.headers[0]`. */
export function refusalOf({ problem, path }: { problem: string; path: readonly PropertyKey[] }): string {
  const field = path.reduce<string>((named, key) => (typeof key === 'number' ? `${named}[${key}]` : `${named}.${String(key)}`), 'param');
  return `${field} ${problem}`;
}
