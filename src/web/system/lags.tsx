import type { SystemView } from '#src/gateway/api/schemas/system.ts';
import { Icon } from '../parts/icon.tsx';
import { type Column, Rows } from '../parts/rows.tsx';
import { Link, paths } from '../shell/router.tsx';
import { isAttended } from './health.ts';

type Lag = SystemView['lags'][number];

const columns: readonly Column[] = [
  { head: 'Queue' },
  { head: 'Role' },
  { head: 'Waiting', isNumber: true },
  { head: 'At work', isNumber: true },
  { head: 'Given again', isNumber: true },
  { head: 'Attended' },
];

/** What waits for a role. Queues where nothing does are told apart, so that those that matter are seen. */
export function LagsCard({ lags }: { lags: SystemView['lags'] }) {
  const isBusy = (lag: Lag): boolean => lag.waiting > 0 || lag.at_work > 0 || !isAttended(lag);
  const busy = lags.filter(isBusy).sort((one, other) => other.waiting - one.waiting || other.at_work - one.at_work);
  const idle = lags.filter((lag) => !isBusy(lag));
  return (
    <section class="card" aria-label="What waits">
      <div class="card-head">
        <h2>What waits</h2>
        <span class="hint">{busy.length === 0 ? 'nothing' : 'messages that a role was not given yet, and those at work'}</span>
      </div>
      {busy.length === 0 ? null : <Rows label="What waits" columns={columns} rows={busy.map(rowOf)} />}
      {idle.length === 0 ? null : (
        <details>
          <summary>
            {idle.length.toLocaleString('en')} idle {idle.length === 1 ? 'queue' : 'queues'}
          </summary>
          <Rows label="Idle queues" columns={columns} rows={idle.map(rowOf)} />
        </details>
      )}
    </section>
  );
}

function rowOf(lag: Lag) {
  const { role, name, waiting, at_work, again } = lag;
  return {
    key: `${role} ${name}`,
    cells: [
      <b key="name" class="wrap">
        {role === 'worker' ? <Link to={paths.function(name)}>{name}</Link> : name}
      </b>,
      role,
      waiting.toLocaleString('en'),
      at_work.toLocaleString('en'),
      again.toLocaleString('en'),
      isAttended(lag) ? (
        <span key="attended" class="plain-sign">
          <Icon name="succeeded" size={14} /> yes
        </span>
      ) : (
        <span key="attended" class="badge tone-retrying">
          <Icon name="alert" size={14} /> nobody asks for work
        </span>
      ),
    ],
  };
}
