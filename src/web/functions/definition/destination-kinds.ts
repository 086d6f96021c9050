const connection = { key: 'connection', label: 'Connection', hint: 'the default of the kind' };

/** The kinds of destinations, with the fields of their `param`. The first field of a kind holds the address. */
export const destinationKinds = {
  FunctionGraph: [{ key: 'func_urn', label: 'Function', hint: 'name or URN of the function' }],
  OBS: [
    { key: 'bucket', label: 'Bucket' },
    { key: 'prefix', label: 'Prefix', hint: 'none' },
    { key: 'expires', label: 'Retention, days', hint: 'unlimited', isNumber: true },
    connection,
  ],
  SMN: [{ key: 'topic_urn', label: 'Topic', hint: 'URN of the topic' }, connection],
  DIS: [{ key: 'stream_name', label: 'Stream' }, connection],
  NATS: [
    { key: 'subject', label: 'Subject', hint: 'a subject that a JetStream stream stores' },
    { key: 'stored', label: 'Refuse the subject when no stream stores it', isOn: true },
    { key: 'cloudevents', label: 'Add the headers of CloudEvents', isOn: false },
  ],
  HTTP: [{ key: 'url', label: 'URL', hint: 'https://…' }, connection],
} as const satisfies Record<string, readonly ParamField[]>;

export type ParamField = {
  key: string;
  label: string;
  hint?: string;
  isNumber?: boolean;
  /** The value of a switch that `param` leaves out. Only a switch has it. */
  isOn?: boolean;
};

/** The fields of a kind; none for an unknown kind. */
export function fieldsOf(kind: string): readonly ParamField[] {
  return Object.hasOwn(destinationKinds, kind) ? destinationKinds[kind as keyof typeof destinationKinds] : [];
}

/** A destination in two short lines: its kind as title, its address as note. */
export function describeTarget(kind: string, param: string): { title: string; note: string } {
  const address = parseObject(param)?.[fieldsOf(kind)[0]?.key ?? ''];
  return { title: kind, note: typeof address === 'string' ? address.replace(/^https?:\/\//, '') : param };
}

/** Parses a `param`; `undefined` when it is not a JSON object. */
export function parseObject(param: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(param);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
