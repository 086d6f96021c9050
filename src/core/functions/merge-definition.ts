type Fields = Readonly<Record<string, unknown>>;

/** Fields whose parts have no meaning without each other. A change that names one names all of it. */
const WHOLE = new Set(['handler', 'flow.rate']);

/**
 * Changes the named fields of a definition and keeps all others (FN2), as JSON Merge Patch does (RFC 7396): an object names its own fields
 * only, `null` removes a field, and a list is replaced as a whole.
 */
export function mergeDefinition(present: object, named: object): Fields {
  return merged(present as Fields, named as Fields, '');
}

function merged(present: Fields, named: Fields, path: string): Fields {
  const result: Record<string, unknown> = { ...present };
  for (const [key, value] of Object.entries(named)) {
    const at = `${path}${key}`;
    if (value === null) delete result[key];
    else if (!isObject(value) || WHOLE.has(at)) result[key] = value;
    else result[key] = merged(isObject(present[key]) ? present[key] : {}, value, `${at}.`);
  }
  return result;
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
