/**
 * Paths to one value of a JSON payload, such as `$.order.total`.
 *
 * - `$` is the payload, `.name` a field, and `[0]` the item of a list, counted from 0.
 * - `["a name"]` is a field whose name has other characters than letters, digits, `_` and `-`. The name is a JSON text.
 * - A path names one value at most. Wildcards, slices and filters do not exist.
 */
export type JsonPath = readonly (string | number)[];

export const PATH_FORM = 'must be a path, such as $.order.total, $.items[0].id or $["a name"]';

const MAX_CHARACTERS = 256;
const step = /\.([\p{L}_][\p{L}\p{N}_-]*)|\[(0|[1-9]\d{0,8})\]|\[("(?:[^"\\]|\\.)*")\]/uy;

/** The steps of a path; `undefined` when the text is no path. */
export function parseJsonPath(text: string): JsonPath | undefined {
  if (!text.startsWith('$') || text.length > MAX_CHARACTERS) return undefined;
  const steps: (string | number)[] = [];
  step.lastIndex = 1;
  while (step.lastIndex < text.length) {
    const [, field, index, quoted] = step.exec(text) ?? [];
    const found = field ?? (index === undefined ? unquote(quoted) : Number(index));
    if (found === undefined) return undefined;
    steps.push(found);
  }
  return steps;
}

/** The value at a path; `undefined` when the payload has none. Inherited fields, such as the length of a list, are no fields. */
export function valueAt(payload: unknown, path: JsonPath): unknown {
  let value = payload;
  for (const one of path) {
    if (typeof value !== 'object' || value === null || Array.isArray(value) !== (typeof one === 'number')) return undefined;
    if (!Object.hasOwn(value, one)) return undefined;
    value = (value as Record<string | number, unknown>)[one];
  }
  return value;
}

function unquote(text: string | undefined): string | undefined {
  try {
    return text === undefined ? undefined : (JSON.parse(text) as string);
  } catch {
    return undefined;
  }
}
