import { withQuery } from '../api/http.ts';

/** What invocations are looked for by, as it stands in the address of the page. */
export type Filter = {
  state?: string;
  status?: string;
  function?: string;
  condition?: string;
  text?: string;
  since?: string;
  min_attempts?: string;
  min_duration_ms?: string;
  root?: string;
  parent?: string;
  redrive_of?: string;
};

const fields: readonly (keyof Filter)[] = [
  'state',
  'status',
  'function',
  'condition',
  'text',
  'since',
  'min_attempts',
  'min_duration_ms',
  'root',
  'parent',
  'redrive_of',
];

export const spans: readonly { value: string; word: string; ms: number }[] = [
  { value: '15m', word: 'Last 15 minutes', ms: 900_000 },
  { value: '1h', word: 'Last hour', ms: 3_600_000 },
  { value: '24h', word: 'Last 24 hours', ms: 86_400_000 },
  { value: '7d', word: 'Last 7 days', ms: 604_800_000 },
];

/** The chips: the states of what is open, and the outcomes of what is over. */
export const chips = [
  { key: 'all', field: undefined, value: '' },
  { key: 'queued', field: 'state', value: 'queued' },
  { key: 'running', field: 'state', value: 'running' },
  { key: 'retrying', field: 'state', value: 'retrying' },
  { key: 'SUCCESS', field: 'status', value: 'SUCCESS' },
  { key: 'FAIL', field: 'status', value: 'FAIL' },
  { key: 'DISCARD', field: 'status', value: 'DISCARD' },
] as const;

/** What only links ask for: it is shown, and can be taken away. */
export const further = ['min_attempts', 'min_duration_ms', 'root', 'parent', 'redrive_of'] as const;

export function filterOf(query: URLSearchParams): Filter {
  return Object.fromEntries(fields.flatMap((field) => (query.get(field) ? [[field, query.get(field) ?? '']] : [])));
}

export function isNarrowed(filter: Filter): boolean {
  return Object.keys(filter).length > 0;
}

function sinceOf({ since }: Filter): number | undefined {
  const span = spans.find(({ value }) => value === since);
  return span === undefined ? undefined : Date.now() - span.ms;
}

/** The question to the gateway. */
export function listPath(filter: Filter, page: { limit: number; cursor?: string | undefined }): string {
  const { since: _, ...rest } = filter;
  return withQuery('/api/invocations', { ...rest, from: sinceOf(filter), ...page });
}

export function countsPath(filter: Filter): string {
  const { since: _, state: __, status: ___, ...rest } = filter;
  return withQuery('/api/invocations/counts', { ...rest, from: sinceOf(filter) });
}

/** The same filter as the body of what is done in bulk. */
export function filterBody(filter: Filter): object {
  const { since: _, state, status, condition, min_attempts, min_duration_ms, ...rest } = filter;
  const from = sinceOf(filter);
  return {
    ...rest,
    ...(state === undefined ? {} : { state: state.split(',') }),
    ...(status === undefined ? {} : { status: status.split(',') }),
    ...(condition === undefined ? {} : { condition: condition.split(',') }),
    ...(min_attempts === undefined ? {} : { min_attempts: Number(min_attempts) }),
    ...(min_duration_ms === undefined ? {} : { min_duration_ms: Number(min_duration_ms) }),
    ...(from === undefined ? {} : { from }),
  };
}
