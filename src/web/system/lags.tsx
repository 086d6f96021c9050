import type { SystemView } from '#src/gateway/api/system/system-schemas.ts';
import { Icon } from '../parts/icon.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { RelativeTime } from '../parts/time.tsx';
import { formatNumber, t, tn } from '../shell/language.ts';
import { Link, paths } from '../shell/router.tsx';
import { compareByAge, hasConsumer } from './health.ts';

type Lag = SystemView['lags'][number];

const columns: readonly Column[] = [
  { head: 'Queue' },
  { head: 'Role' },
  { head: 'Waiting', isNumber: true },
  { head: 'Oldest queued' },
  { head: 'In progress', isNumber: true },
  { head: 'Redelivered', isNumber: true },
  { head: 'Consumer' },
];

/** The backlog of each queue. Idle queues are listed apart, so that the others are not lost among them. */
export function LagsCard({ lags }: { lags: SystemView['lags'] }) {
  const isBusy = (lag: Lag): boolean => lag.waiting > 0 || lag.at_work > 0 || !hasConsumer(lag);
  const busy = lags.filter(isBusy).sort(compareByAge);
  const idle = lags.filter((lag) => !isBusy(lag));
  return (
    <section class="card" aria-label={t('Queues')}>
      <div class="card-head">
        <h2>{t('Queues')}</h2>
        <span class="hint">{busy.length === 0 ? t('no message waits') : t('messages that wait, and messages in progress')}</span>
      </div>
      {busy.length === 0 ? null : <Table label={t('Queues with work')} columns={columns} rows={busy.map(rowOf)} />}
      {idle.length === 0 ? null : (
        <details>
          <summary>{tn(idle.length, ['{count} idle queue', '{count} idle queues'])}</summary>
          <Table label={t('Idle queues')} columns={columns} rows={idle.map(rowOf)} />
        </details>
      )}
    </section>
  );
}

function rowOf(lag: Lag) {
  const { role, name, waiting, at_work, again, oldest_at } = lag;
  return {
    key: `${role} ${name}`,
    cells: [
      <b key="name" class="wrap">
        {role === 'worker' ? <Link to={paths.function(name)}>{name}</Link> : name}
      </b>,
      role,
      formatNumber(waiting),
      oldest_at === undefined ? '–' : <RelativeTime key="oldest" at={oldest_at} />,
      formatNumber(at_work),
      formatNumber(again),
      hasConsumer(lag) ? (
        <span key="consumer" class="plain-icon">
          <Icon name="succeeded" size={14} /> {t('yes')}
        </span>
      ) : (
        <span key="consumer" class="badge tone-retrying">
          <Icon name="alert" size={14} /> {t('no process takes work')}
        </span>
      ),
    ],
  };
}
