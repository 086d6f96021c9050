import { z } from 'zod';

/** The `param` of a destination: FunctionGraph's text that holds JSON. */
export type ParsedParam<Param> = { kind: 'parsed'; param: Param } | { kind: 'invalid'; problem: string; path: PropertyKey[] };

export const connectionName = z.string().min(1).max(64).optional();

/** Parses the text by the schema of its destination. The problem says which key is wrong and why. */
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
  return { kind: 'invalid', problem: sentence(reason?.message), path: issue?.path ?? [] };
}

/** The end of a sentence that begins with a field. Some messages of the schemas are sentences of their own. */
export function sentence(problem = 'is not known'): string {
  return /^(?:must|is) /.test(problem) ? problem : `is not valid: ${problem}`;
}

/** A field's name with the way into it: `onSuccess[0].param.bucket`. */
export function fieldOf(root: string, path: readonly PropertyKey[]): string {
  return path.reduce<string>((field, key) => (typeof key === 'number' ? `${field}[${key}]` : `${field}.${String(key)}`), root);
}

/** The sentence that refuses a `param`. */
export function refusalOf({ problem, path }: { problem: string; path: readonly PropertyKey[] }): string {
  return `${fieldOf('param', path)} ${problem}`;
}
