import { formatDuration } from '#src/core/text/format-duration.ts';
import type { PoolView } from '#src/gateway/api/functions/flow-schemas.ts';
import type { FunctionView } from '#src/gateway/api/functions/function-schemas.ts';
import { get, withQuery } from '../api/http.ts';
import { Icon } from '../parts/icon.tsx';
import { ProblemNotice, Skeleton } from '../parts/notices.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { formatNumber, t } from '../shell/language.ts';
import { Link, paths } from '../shell/router.tsx';
import { now } from '../shell/settings.ts';
import { useStore } from '../shell/store.ts';
import { useFetch } from '../shell/use-fetch.ts';
import '../styles/pages/flow.css';

const READ_EVERY_MS = 5_000;
const MAX_KEYS = 20;

const keyColumns: readonly Column[] = [
  { head: 'Key' },
  { head: 'Running', isNumber: true },
  { head: 'Waiting', isNumber: true },
  { head: 'Longest wait', isNumber: true },
];
const functionColumns: readonly Column[] = [
  { head: 'Function' },
  { head: 'Limit', isNumber: true },
  { head: 'Running', isNumber: true },
  { head: 'Waiting', isNumber: true },
];

/** The slots that a function uses over all workers: what runs and waits, for which keys, and the functions that share the slots. */
export function FlowCard({ view: { definition } }: { view: FunctionView }) {
  const { name, flow } = definition;
  const asked = flow?.pool ?? name;
  const { content, problem, reload } = useFetch(
    `flow ${asked}`,
    (signal) => get<{ pools: PoolView[] }>(withQuery('/api/flow', { name: asked, keys: MAX_KEYS }), signal),
    { everyMs: READ_EVERY_MS },
  );
  const pool = content?.pools.find(({ is_shared }) => is_shared === (flow?.pool !== undefined));
  return (
    <section class="card" aria-label={t('Flow over all workers')}>
      <div class="card-head">
        <h2>{t('Flow over all workers')}</h2>
        {flow?.pool === undefined ? null : (
          <span class="tag">
            {t('Pool')} {flow.pool}
          </span>
        )}
      </div>
      {problem === undefined ? null : <ProblemNotice problem={problem} onRetry={reload} />}
      {content === undefined && problem === undefined ? <Skeleton lines={3} /> : null}
      {pool === undefined || flow === undefined ? null : <Pool pool={pool} flow={flow} />}
    </section>
  );
}

type PoolProps = { pool: PoolView; flow: NonNullable<FunctionView['definition']['flow']> };

function Pool({ pool, flow: { concurrency, key, total, rate } }: PoolProps) {
  const { running, waiting, functions, keys, is_cut } = pool;
  const limit = key === undefined ? concurrency : total;
  return (
    <>
      <p class="flow-figures">
        <span>
          <strong>{limit === undefined ? formatNumber(running) : `${formatNumber(running)} / ${formatNumber(limit)}`}</strong> {t('run')}
        </span>
        <span>
          <strong>{formatNumber(waiting)}</strong> {t('wait')}
        </span>
        {rate === undefined ? null : (
          <span>
            {t(key === undefined ? '{limit} start in {duration}' : '{limit} start in {duration} of each key', {
              limit: formatNumber(rate.limit),
              duration: rate.per,
            })}
          </span>
        )}
        {key === undefined || concurrency === undefined ? null : (
          <span>
            <strong>{formatNumber(concurrency)}</strong> {t('at once of each key')} <code>{key}</code>
          </span>
        )}
      </p>
      {functions.length < 2 ? null : (
        <Table
          label={t('Functions of the pool')}
          columns={functionColumns}
          rows={functions.map((one) => ({ key: one.function, cells: cellsOf(one) }))}
        />
      )}
      {keys.length === 0 ? null : (
        <Table label={t('Keys')} columns={keyColumns} rows={keys.map((one) => ({ key: one.key, cells: cellsOfKey(pool.pool, one) }))} />
      )}
      {is_cut ? <p class="hint">{t('The keys with the most waits are shown.')}</p> : null}
    </>
  );
}

function cellsOf({ function: name, concurrency, running, waiting }: PoolView['functions'][number]) {
  return [
    <Link key="function" to={paths.function(name)}>
      {name}
    </Link>,
    concurrency === undefined ? '–' : formatNumber(concurrency),
    formatNumber(running),
    formatNumber(waiting),
  ];
}

function cellsOfKey(pool: string, { key, running, waiting, since }: PoolView['keys'][number]) {
  const name = key === '' ? t('no key') : <code>{key}</code>;
  return [
    waiting === 0 ? (
      name
    ) : (
      <Link
        key="key"
        to={`/?${new URLSearchParams({ waits_for: pool, flow_key: key })}`}
        title={t('The invocations that wait for this key')}
      >
        {name}
      </Link>
    ),
    formatNumber(running),
    formatNumber(waiting),
    since === undefined ? '–' : <Age key="age" since={since} />,
  ];
}

function Age({ since }: { since: number }) {
  const present = useStore(now);
  return (
    <>
      <Icon name="clock" size={12} /> {formatDuration(Math.max(0, Math.floor((present - since) / 1_000) * 1_000))}
    </>
  );
}
