import type { ComponentChildren } from 'preact';
import { formatDuration } from '#src/core/text/format-duration.ts';
import type { InvocationRow } from '#src/gateway/api/invocations/invocation-schemas.ts';
import { failureSummary, messageText } from '../parts/failure-summary.ts';
import { InvocationBadge } from '../parts/state-badge.tsx';
import { RelativeTime } from '../parts/time.tsx';
import { t } from '../shell/language.ts';
import { Link, paths } from '../shell/router.tsx';
import { createStoredValue } from '../shell/store.ts';

export type ColumnName = keyof typeof columns;
type ListColumn = {
  head: string;
  /** The width as a track of the grid, and the least width in pixels. */
  track: string;
  min: number;
  /** The orders that clicks on the head choose, the descending one first; after the last one, the newest first. */
  orders?: readonly string[];
  cell: (row: InvocationRow) => ComponentChildren;
  title?: (row: InvocationRow) => string | undefined;
};

/** The columns of the list, in their order. */
export const columns = {
  state: {
    head: 'State',
    track: '128px',
    min: 128,
    cell: ({ state, status }: InvocationRow) => <InvocationBadge state={state} status={status} />,
  },
  function: {
    head: 'Function',
    track: 'minmax(100px, 1.6fr)',
    min: 100,
    title: (row: InvocationRow) => row.function,
    cell: (row: InvocationRow) => (
      <>
        {row.function}
        {row.qualifier === 'latest' ? null : <small>{versionText(row)}</small>}
        {row.redrive_of === undefined ? null : <small title={t('redrive of {id}', { id: row.redrive_of })}>{t('redrive')}</small>}
        {row.parent === undefined ? null : (
          <small title={t('caused by {id}', { id: row.parent })}>{t('hop {hop}', { hop: row.hop ?? '' })}</small>
        )}
      </>
    ),
  },
  id: {
    head: 'Request id',
    track: 'minmax(150px, 274px)',
    min: 150,
    cell: ({ request_id, function: owner }: InvocationRow) => (
      <Link to={paths.invocation(request_id, owner)} class="mono" title={request_id}>
        {request_id}
      </Link>
    ),
  },
  version: { head: 'Version', track: '76px', min: 76, cell: ({ version }: InvocationRow) => version ?? '–' },
  attempts: {
    head: 'Attempts',
    track: '74px',
    min: 74,
    orders: ['most-attempts', 'fewest-attempts'],
    cell: ({ attempts }: InvocationRow) => attempts,
  },
  duration: {
    head: 'Duration',
    track: '80px',
    min: 80,
    orders: ['longest', 'shortest'],
    cell: ({ duration_ms }: InvocationRow) => (duration_ms === undefined ? '–' : formatDuration(duration_ms)),
  },
  time: {
    head: 'Accepted',
    track: '88px',
    min: 88,
    orders: ['newest', 'oldest'],
    cell: ({ accepted_at }: InvocationRow) => <RelativeTime at={accepted_at} />,
  },
  due: {
    head: 'Due',
    track: '88px',
    min: 88,
    cell: ({ next_due_at }: InvocationRow) => (next_due_at === undefined ? '–' : <RelativeTime at={next_due_at} />),
  },
  ended: {
    head: 'Ended',
    track: '88px',
    min: 88,
    cell: ({ ended_at }: InvocationRow) => (ended_at === undefined ? '–' : <RelativeTime at={ended_at} />),
  },
  condition: { head: 'Condition', track: 'minmax(120px, 210px)', min: 120, cell: ({ condition }: InvocationRow) => condition ?? '' },
  payload: {
    head: 'Payload',
    track: 'minmax(140px, 2fr)',
    min: 140,
    title: ({ payload }: InvocationRow) => payload,
    cell: ({ payload }: InvocationRow) => <code>{payload ?? ''}</code>,
  },
  error: {
    head: 'Error',
    track: 'minmax(140px, 2.4fr)',
    min: 140,
    title: ({ error }: InvocationRow) => error && messageText(error),
    cell: errorOf,
  },
} as const satisfies Record<string, ListColumn>;

export const columnNames = Object.keys(columns) as ColumnName[];
export const defaultColumns: readonly ColumnName[] = ['state', 'function', 'id', 'attempts', 'duration', 'time', 'error'];

/** The columns that the user chose. */
export const chosenColumns = createStoredValue<readonly ColumnName[]>('sequent-columns', defaultColumns, (stored) => {
  if (!Array.isArray(stored)) return undefined;
  const known = columnNames.filter((name) => stored.includes(name));
  return known.length === 0 ? undefined : known;
});

export function columnOf(name: ColumnName): ListColumn {
  return columns[name];
}

const GAP = 18;
/** The padding of a row, and the check box. */
const FIXED = 2 * 16 + 18;
/** The order in which a narrow table drops columns. */
const DROP_ORDER: readonly ColumnName[] = ['error', 'ended', 'due', 'version', 'condition', 'payload', 'attempts', 'time', 'duration'];

/** The chosen columns that fit into a width. */
export function fittingColumns(chosen: readonly ColumnName[], width: number): ColumnName[] {
  const shown = [...chosen];
  const needed = (): number => FIXED + shown.reduce((sum, name) => sum + columns[name].min + GAP, 0);
  for (const name of DROP_ORDER) {
    if (needed() <= width) break;
    const index = shown.indexOf(name);
    if (index >= 0) shown.splice(index, 1);
  }
  return shown;
}

/** The qualifier, and the version that it resolved to. */
function versionText({ qualifier, version }: InvocationRow): string {
  return version === undefined || version === qualifier ? qualifier : `${qualifier} → ${version}`;
}

/** The last error. The condition is left out where it only repeats that the function failed. */
function errorOf({ condition, error = '' }: InvocationRow): string {
  const summary = failureSummary(error);
  const isRedundant = condition === undefined || condition === 'UnhandledInvocationError' || summary.startsWith(condition);
  return isRedundant ? summary : `${condition} ${summary}`;
}
