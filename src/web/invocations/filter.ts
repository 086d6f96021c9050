import { withQuery } from '../api/http.ts';

/** The filter of the list, as the query of the page's address holds it. */
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

export const timeRanges: readonly { value: string; label: string; ms: number }[] = [
  { value: '15m', label: 'Last 15 minutes', ms: 900_000 },
  { value: '1h', label: 'Last hour', ms: 3_600_000 },
  { value: '24h', label: 'Last 24 hours', ms: 86_400_000 },
  { value: '7d', label: 'Last 7 days', ms: 604_800_000 },
];

/** The chips: the states of open invocations, and the statuses of finished ones. */
export const chips = [
  { key: 'all', field: undefined, value: '' },
  { key: 'queued', field: 'state', value: 'queued' },
  { key: 'running', field: 'state', value: 'running' },
  { key: 'retrying', field: 'state', value: 'retrying' },
  { key: 'SUCCESS', field: 'status', value: 'SUCCESS' },
  { key: 'FAIL', field: 'status', value: 'FAIL' },
  { key: 'DISCARD', field: 'status', value: 'DISCARD' },
] as const;

/** Fields that have no control of their own. Links set them; a chip shows each of them and removes it. */
export const linkedFields = ['min_attempts', 'min_duration_ms', 'root', 'parent', 'redrive_of'] as const;

export function filterOf(query: URLSearchParams): Filter {
  return Object.fromEntries(fields.flatMap((field) => (query.get(field) ? [[field, query.get(field) ?? '']] : [])));
}

export function isNarrowed(filter: Filter): boolean {
  return Object.keys(filter).length > 0;
}

function sinceOf({ since }: Filter): number | undefined {
  const range = timeRanges.find(({ value }) => value === since);
  return range === undefined ? undefined : Date.now() - range.ms;
}

/** The path of a page of the list. */
export function listPath(filter: Filter, page: { limit: number; cursor?: string | undefined }): string {
  const { since: _, ...rest } = filter;
  return withQuery('/api/invocations', { ...rest, from: sinceOf(filter), ...page });
}

/** The path of the counts by state and status, which ignore the filter's own state and status. */
export function countsPath(filter: Filter): string {
  const { since: _, state: __, status: ___, ...rest } = filter;
  return withQuery('/api/invocations/counts', { ...rest, from: sinceOf(filter) });
}

/** The filter as the body of a bulk request. */
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
