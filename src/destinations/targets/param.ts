import { z } from 'zod';

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
  const reason = issue?.code === 'invalid_key' ? issue.issues[0] : issue;
  return { kind: 'invalid', problem: predicateOf(reason?.message), path: issue?.path ?? [] };
}

/** The predicate of a sentence whose subject is a field. A message that is a complete sentence follows a colon. */
export function predicateOf(problem = 'is not known'): string {
  return /^(?:must|is) /.test(problem) ? problem : `is not valid: ${problem}`;
}

/** The name of a nested field, such as `onSuccess[0].param.bucket`. */
export function fieldOf(root: string, path: readonly PropertyKey[]): string {
  return path.reduce<string>((field, key) => (typeof key === 'number' ? `${field}[${key}]` : `${field}.${String(key)}`), root);
}

/** The sentence that refuses a `param`. */
export function refusalOf({ problem, path }: { problem: string; path: readonly PropertyKey[] }): string {
  return `${fieldOf('param', path)} ${problem}`;
}
