import { useEffect, useState } from 'preact/hooks';
import type { BulkOperationView } from '#src/gateway/api/repair/bulk-operation-schemas.ts';
import { get } from '../api/http.ts';
import { AbortButton, canAbort, isRunning } from '../parts/bulk/bulk-operation.tsx';
import { filterName, filterValue } from '../parts/bulk/filter-words.ts';
import { operationListPath } from '../parts/bulk/operation-list.ts';
import { type Column, Table } from '../parts/table.tsx';
import { RelativeTime } from '../parts/time.tsx';
import { formatNumber, t, translated } from '../shell/language.ts';
import { Link } from '../shell/router.tsx';
import { zone } from '../shell/settings.ts';
import { useStore } from '../shell/store.ts';
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
/** While an operation runs, its progress is shown as it is saved. */
const READ_RUNNING_EVERY_MS = 1_000;
const MAX_SHOWN = 20;

/** The bulk operations, with their progress. Absent while there is none. */
export function BulkOperationsCard() {
  const [everyMs, setEveryMs] = useState(READ_EVERY_MS);
  const { content } = useFetch('bulk', (signal) => get<{ operations: BulkOperationView[] }>('/api/bulk', signal), {
    everyMs,
  });
  const operations = content?.operations ?? [];
  const isAnyRunning = operations.some(isRunning);
  useEffect(() => setEveryMs(isAnyRunning ? READ_RUNNING_EVERY_MS : READ_EVERY_MS), [isAnyRunning]);
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
        <b>{translated(action)}</b> <Target operation={operation} /> <small class="hint">{t('by {who}', { who: by })}</small>
        <Details operation={operation} />
      </span>,
      <span key="state">
        {state === 'running' && abort_requested_by !== undefined ? translated('aborting') : translated(state)}{' '}
        {step === undefined ? null : <small class="hint">{translated(step)}</small>}
        {canAbort(operation) ? <AbortButton id={id} /> : null}
      </span>,
      total === undefined ? formatNumber(done) : t('{done} of {total}', { done: formatNumber(done), total: formatNumber(total) }),
      formatNumber(failed),
      formatNumber(left_out),
      <RelativeTime key="started" at={started_at} />,
      <code key="id">{id}</code>,
    ],
  };
}

/** The list of the invocations, why the operation stopped, and the invocations that it could not change. */
function Details({ operation }: { operation: BulkOperationView }) {
  const { reason, problem, failures } = operation;
  const list = operationListPath(operation);
  return (
    <>
      {list === undefined ? null : (
        <>
          {' '}
          <Link to={list} class="button quiet small">
            {t('Show its invocations')}
          </Link>
        </>
      )}
      {reason === undefined ? null : <small class="hint"> {t('because: {reason}', { reason })}</small>}
      {problem === undefined ? null : <p>{t('It stopped: {reason}', { reason: problem })}</p>}
      {failures.length === 0 ? null : (
        <details>
          <summary>{t('Why invocations were not changed')}</summary>
          <ul class="failures">
            {failures.map(({ request_id, detail }) => (
              <li key={request_id}>
                <code>{request_id}</code> {detail}
              </li>
            ))}
          </ul>
        </details>
      )}
    </>
  );
}

function Target({ operation: { selected, filter = {} } }: { operation: BulkOperationView }) {
  const timeZone = useStore(zone);
  if (selected !== undefined) return <>{t('of {count} selected invocations', { count: formatNumber(selected) })}</>;
  return (
    <>
      {Object.entries(filter)
        .map(([field, value]) => `${filterName(field)} ${filterValue(field, value, timeZone)}`)
        .join(t(', '))}
    </>
  );
}
