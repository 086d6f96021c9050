const connection = { key: 'connection', label: 'Connection', hint: 'that of its kind' };

/** The kinds of destinations, in FunctionGraph's names, and what the `param` of each says. The first says where it goes. */
export const kinds = {
  FunctionGraph: [{ key: 'func_urn', label: 'Function', hint: 'its name, or a whole URN' }],
  OBS: [
    { key: 'bucket', label: 'Bucket' },
    { key: 'prefix', label: 'Prefix', hint: 'none' },
    { key: 'expires', label: 'Kept, days', hint: 'for ever', isNumber: true },
    connection,
  ],
  SMN: [{ key: 'topic_urn', label: 'Topic', hint: 'its URN' }, connection],
  DIS: [{ key: 'stream_name', label: 'Stream' }, connection],
  NATS: [{ key: 'subject', label: 'Subject', hint: 'one that a stream stores' }],
  HTTP: [{ key: 'url', label: 'URL', hint: 'https://…' }, connection],
} as const satisfies Record<string, readonly ParamField[]>;

export type ParamField = { key: string; label: string; hint?: string; isNumber?: boolean };

export function fieldsOf(kind: string): readonly ParamField[] {
  return Object.hasOwn(kinds, kind) ? kinds[kind as keyof typeof kinds] : [];
}

/** A target in two short lines: what it is, and where. */
export function targetOf(kind: string, param: string): { title: string; note: string } {
  const place = objectIn(param)?.[fieldsOf(kind)[0]?.key ?? ''];
  return { title: kind, note: typeof place === 'string' ? place.replace(/^https?:\/\//, '') : param };
}

/** The object that a `param` holds; `undefined` when it holds none. */
export function objectIn(param: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(param);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
