import { withQuery } from '../api/http.ts';

/** The filter of the list, as the query of the page's address holds it. */
export type Filter = {
  state?: string;
  status?: string;
  function?: string;
  condition?: string;
  text?: string;
  since?: string;
  from?: string;
  to?: string;
  version?: string;
  qualifier?: string;
  min_attempts?: string;
  min_duration_ms?: string;
  root?: string;
  parent?: string;
  redrive_of?: string;
  batch?: string;
  schedule?: string;
  waits_for?: string;
  flow_key?: string;
  wait_kind?: string;
  priority?: string;
};

/** Fields that have no control of their own, with their labels. Links set them; a chip shows each of them and removes it. */
export const linkedLabels = {
  from: 'from',
  to: 'to',
  version: 'version',
  qualifier: 'qualifier',
  min_attempts: 'min attempts',
  min_duration_ms: 'min duration ms',
  root: 'root',
  parent: 'parent',
  redrive_of: 'redrive of',
  batch: 'batch',
  schedule: 'schedule',
  waits_for: 'waits for',
  flow_key: 'flow key',
  wait_kind: 'wait kind',
  priority: 'priority',
} as const;
export const linkedFields = Object.keys(linkedLabels) as (keyof typeof linkedLabels)[];

const fields: readonly (keyof Filter)[] = ['state', 'status', 'function', 'condition', 'text', 'since', ...linkedFields];

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

export const orders: readonly { value: string; label: string }[] = [
  { value: 'oldest', label: 'Oldest first' },
  { value: 'longest', label: 'Longest first' },
  { value: 'shortest', label: 'Shortest first' },
  { value: 'most-attempts', label: 'Most attempts first' },
  { value: 'fewest-attempts', label: 'Fewest attempts first' },
];

/** How the list is shown, in addition to its filter: its order, and the moment of the log whose state it shows. */
export type Presentation = { sort?: string; at?: string };

export function presentationOf(query: URLSearchParams): Presentation {
  const [sort, at] = [query.get('sort'), query.get('at')];
  return { ...(sort ? { sort } : {}), ...(at ? { at } : {}) };
}

export function filterOf(query: URLSearchParams): Filter {
  return Object.fromEntries(fields.flatMap((field) => (query.get(field) ? [[field, query.get(field) ?? '']] : [])));
}

export function isNarrowed(filter: Filter): boolean {
  return Object.keys(filter).length > 0;
}

/** The filter with its time range as moments. */
function withMoments({ since, from, to, ...rest }: Filter): Omit<Filter, 'since' | 'from' | 'to'> & { from?: number; to?: number } {
  const range = timeRanges.find(({ value }) => value === since);
  const start = range === undefined ? momentOf(from) : Date.now() - range.ms;
  const end = momentOf(to);
  return { ...rest, ...(start === undefined ? {} : { from: start }), ...(end === undefined ? {} : { to: end }) };
}

function momentOf(text = ''): number | undefined {
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : at;
}

type PageQuery = Presentation & { limit: number; cursor?: string | undefined; include?: 'payload' | undefined };

/** The path of a page of the list. */
export function listPath(filter: Filter, page: PageQuery): string {
  return withQuery('/api/invocations', { ...withMoments(filter), ...page });
}

/** The path of the counts by state and status, which ignore the filter's own state and status. */
export function countsPath(filter: Filter, { at }: Presentation): string {
  const { state: _, status: __, ...rest } = withMoments(filter);
  return withQuery('/api/invocations/counts', { ...rest, at });
}

/** The filter as the body of a bulk request. */
export function filterBody(filter: Filter): object {
  const { state, status, condition, wait_kind, priority, min_attempts, min_duration_ms, ...rest } = withMoments(filter);
  return {
    ...rest,
    ...(state === undefined ? {} : { state: state.split(',') }),
    ...(status === undefined ? {} : { status: status.split(',') }),
    ...(condition === undefined ? {} : { condition: condition.split(',') }),
    ...(wait_kind === undefined ? {} : { wait_kind: wait_kind.split(',') }),
    ...(priority === undefined ? {} : { priority: Number(priority) }),
    ...(min_attempts === undefined ? {} : { min_attempts: Number(min_attempts) }),
    ...(min_duration_ms === undefined ? {} : { min_duration_ms: Number(min_duration_ms) }),
  };
}
