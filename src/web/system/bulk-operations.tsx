import type { BulkOperationView } from '#src/gateway/api/schemas/bulk-operations.ts';
import { get } from '../api/http.ts';
import { AbortButton, isRunning } from '../parts/bulk-operation.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { RelativeTime } from '../parts/time.tsx';
import { formatNumber, t, translated } from '../shell/language.ts';
import { useFetch } from '../shell/use-fetch.ts';

const columns: readonly Column[] = [
  { head: 'Operation' },
  { head: 'State' },
  { head: 'Done', isNumber: true },
  { head: 'Failed', isNumber: true },
  { head: 'Left out', isNumber: true },
  { head: 'Started' },
  { head: 'Id' },
];

const READ_EVERY_MS = 5_000;
const MAX_SHOWN = 20;

/** The bulk operations, with their progress. Absent while there is none. */
export function BulkOperationsCard() {
  const { content } = useFetch('bulk', (signal) => get<{ operations: BulkOperationView[] }>('/api/bulk', signal), {
    everyMs: READ_EVERY_MS,
  });
  const operations = content?.operations ?? [];
  if (operations.length === 0) return null;
  return (
    <section class="card" aria-label={t('Bulk operations')}>
      <div class="card-head">
        <h2>{t('Bulk operations')}</h2>
        <span class="hint">{t('{count} running', { count: operations.filter(isRunning).length })}</span>
      </div>
      <Table label={t('Bulk operations')} columns={columns} rows={operations.slice(0, MAX_SHOWN).map(rowOf)} />
    </section>
  );
}

function rowOf(operation: BulkOperationView) {
  const { id, action, by, state, step, done, total, failed, left_out, started_at, abort_requested_by } = operation;
  return {
    key: id,
    cells: [
      <span key="what">
        <b>{translated(action)}</b> {whatOf(operation)} <small class="hint">{t('by {who}', { who: by })}</small>
      </span>,
      <span key="state">
        {state === 'running' && abort_requested_by !== undefined ? translated('aborting') : translated(state)}{' '}
        {step === undefined ? null : <small class="hint">{translated(step)}</small>}
        {isRunning(operation) && canAbort(operation) ? <AbortButton id={id} /> : null}
      </span>,
      total === undefined ? formatNumber(done) : t('{done} of {total}', { done: formatNumber(done), total: formatNumber(total) }),
      formatNumber(failed),
      formatNumber(left_out),
      <RelativeTime key="started" at={started_at} />,
      <code key="id">{id}</code>,
    ],
  };
}

/** An erasure that the log has must be finished everywhere. */
function canAbort({ action, step }: BulkOperationView): boolean {
  return action !== 'purge' || step === 'searching';
}

function whatOf({ selected, filter = {} }: BulkOperationView): string {
  if (selected !== undefined) return t('of {count} selected invocations', { count: formatNumber(selected) });
  return Object.entries(filter)
    .map(([name, value]) => `${name === 'before' ? t('before') : translated(name)} ${String(value)}`)
    .join(', ');
}
