import type { BatchView } from '#src/gateway/api/batches/batch-schemas.ts';
import { get, withQuery } from '../api/http.ts';
import { FunctionFilter } from '../parts/forms/function-filter.tsx';
import { Empty, ProblemNotice, Skeleton } from '../parts/notices.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { RelativeTime } from '../parts/time.tsx';
import { formatNumber, t } from '../shell/language.ts';
import { changeQuery, Link, paths, useLocation } from '../shell/router.tsx';
import { useFetch } from '../shell/use-fetch.ts';
import { BatchBadge } from './batch-badge.tsx';
import { failuresOf, membersPath, ProgressBar, progressText } from './progress.tsx';
import '../styles/pages/functions.css';
import '../styles/pages/batches.css';

const READ_EVERY_MS = 5_000;

const columns: readonly Column[] = [
  { head: 'Batch' },
  { head: 'Function' },
  { head: 'State' },
  { head: 'Progress' },
  { head: 'Failed', isNumber: true },
  { head: 'Started' },
];

type Page = { batches: BatchView[]; next_cursor?: string };

/** All batches with the progress of their members, the greatest id first. */
export function BatchesPage() {
  const { query } = useLocation();
  const [fn, cursor] = [query.get('function') ?? '', query.get('cursor') ?? ''];
  const path = withQuery('/api/batches', { function: fn, cursor });
  const { content, problem, reload } = useFetch(path, (signal) => get<Page>(path, signal), { everyMs: READ_EVERY_MS });
  const batches = content?.batches;
  return (
    <div class="page">
      <div class="page-head">
        <h1>{t('Batches')}</h1>
        <div class="spring" />
        <FunctionFilter value={fn} onChange={(name) => changeQuery({ function: name, cursor: undefined }, { replace: false })} />
      </div>
      {problem === undefined ? null : <ProblemNotice problem={problem} onRetry={reload} />}
      {batches === undefined && problem === undefined ? <Skeleton lines={6} height={28} /> : null}
      {batches?.length === 0 ? <NoBatch /> : null}
      {batches === undefined || batches.length === 0 ? null : (
        <section class="card" aria-label={t('All batches')}>
          <Table
            label={t('Batches')}
            columns={columns}
            rows={batches.map((batch) => ({ key: `${batch.function} ${batch.id}`, cells: cellsOf(batch) }))}
          />
        </section>
      )}
      <nav class="batch-pages" aria-label={t('Pages of the list')}>
        {cursor === '' ? null : <Link to={withQuery(paths.batches, { function: fn })}>{t('First page')}</Link>}
        {content?.next_cursor === undefined ? null : (
          <Link to={withQuery(paths.batches, { function: fn, cursor: content.next_cursor })}>{t('Next page')}</Link>
        )}
      </nav>
    </div>
  );
}

function NoBatch() {
  return (
    <Empty title={t('No batches')} command="sequent invoke <function> --batch events.jsonl">
      <p>{t('A batch invokes a function once for each line of an input. Its members are counted, cancelled and redriven together.')}</p>
    </Empty>
  );
}

function cellsOf(batch: BatchView) {
  const { id, function: fn, state, opened_at, first_accepted_at } = batch;
  const startedAt = opened_at ?? first_accepted_at;
  const failures = failuresOf(batch);
  return [
    <Link key="batch" to={paths.batch(id, fn)} class="mono">
      {id}
    </Link>,
    <Link key="function" to={paths.function(fn)}>
      {fn}
    </Link>,
    <BatchBadge key="state" state={state} />,
    <div key="progress" class="batch-progress">
      <ProgressBar batch={batch} />
      <small>{progressText(batch)}</small>
    </div>,
    failures === 0 ? (
      '–'
    ) : (
      <Link key="failed" to={membersPath(batch, { status: 'FAIL,DISCARD' })} class="badge tone-failed">
        {formatNumber(failures)}
      </Link>
    ),
    startedAt === undefined ? '–' : <RelativeTime key="started" at={startedAt} />,
  ];
}
