import { formatDuration } from '#src/core/format-duration.ts';
import type { SystemView } from '#src/gateway/api/schemas/system.ts';
import { get } from '../api/http.ts';
import { Icon } from '../parts/icon.tsx';
import { Moment } from '../parts/moment.tsx';
import { ProblemNotice, Skeleton } from '../parts/notices.tsx';
import { formatBytes } from '../parts/payload-text.ts';
import { Rows } from '../parts/rows.tsx';
import { useAsked } from '../shell/asked.ts';
import { Link, paths } from '../shell/router.tsx';
import { VerifyCard } from './verify.tsx';
import '../styles/system.css';

/** Whether all parts are there, and whether anything waits that should not. */
export function SystemPage() {
  const { content, problem, isAsking, again } = useAsked('system', (signal) => get<SystemView>('/api/system', signal));
  return (
    <div class="page">
      <div class="page-head">
        <h1>System</h1>
        {content === undefined ? null : <span class="hint">Sequent {content.version}</span>}
        <div class="spring" />
        <button type="button" class="button small" disabled={isAsking} onClick={again}>
          <Icon name="retrying" size={14} /> Look again
        </button>
      </div>
      {problem === undefined ? null : <ProblemNotice problem={problem} again={again} />}
      {content === undefined ? problem === undefined ? <Skeleton lines={12} height={28} /> : null : <Parts system={content} />}
    </div>
  );
}

function Parts({ system }: { system: SystemView }) {
  const { log, oldest_open, dead_letters } = system;
  return (
    <div class="system">
      <dl class="figures card">
        <Figure label="Log" value={`${log.messages.toLocaleString('en')} messages`} note={formatBytes(log.bytes)} />
        <Figure label="Durability" value={log.durability} note={log.durability_in_words} />
        <Figure label="Replicas" value={String(log.replicas)} note={log.storage} />
        <Figure
          label="Storage"
          value={formatBytes(log.used_bytes)}
          note={
            log.limit_bytes === undefined
              ? 'no limit'
              : `of ${formatBytes(log.limit_bytes)}, ${Math.round((log.used_bytes / log.limit_bytes) * 100)} %`
          }
        />
        <div>
          <dt>Oldest open</dt>
          <dd>
            {oldest_open === undefined ? 'none' : <Moment at={oldest_open.accepted_at} />}
            <small>
              {oldest_open === undefined ? (
                'everything is settled'
              ) : (
                <Link to={paths.invocation(oldest_open.request_id)}>{`${oldest_open.function}: ${oldest_open.request_id}`}</Link>
              )}
            </small>
          </dd>
        </div>
        <div>
          <dt>Dead letters</dt>
          <dd>
            {dead_letters === undefined
              ? 'unknown'
              : `${dead_letters.toLocaleString('en')}${system.is_dead_letters_at_least === true ? '+' : ''}`}
            <small>
              <Link to={paths.deadLetters}>look at them</Link>
            </small>
          </dd>
        </div>
      </dl>
      <Roles system={system} />
      <Lags system={system} />
      <Projection system={system} />
      <VerifyCard />
    </div>
  );
}

function Figure({ label, value, note }: { label: string; value: string; note: string }) {
  return (
    <div>
      <dt>{label}</dt>
      <dd>
        {value}
        <small>{note}</small>
      </dd>
    </div>
  );
}

const expected = ['worker', 'scheduler', 'destinations', 'projection', 'gateway'];

function Roles({ system: { roles, server } }: { system: SystemView }) {
  const missing = expected.filter((role) => !roles.some((one) => one.role === role));
  return (
    <section class="card" aria-label="Roles">
      <div class="card-head">
        <h2>Roles</h2>
        <span class="hint">
          NATS {server.version}, {server.round_trip_ms.toFixed(1)} ms away
          {server.clock_ahead_ms === undefined || Math.abs(server.clock_ahead_ms) < 100
            ? ''
            : `, its clock ${formatDuration(Math.abs(server.clock_ahead_ms))} ${server.clock_ahead_ms > 0 ? 'ahead' : 'behind'}`}
        </span>
      </div>
      {missing.length === 0 ? null : (
        <p class="missing tone-retrying">
          <Icon name="alert" size={14} /> Nobody says that he plays {missing.join(', ')}: start one with{' '}
          <code>npx sequent serve --role {missing[0]}</code>
        </p>
      )}
      <Rows
        head={['Role', 'Instance', 'Where', 'Version', 'Since']}
        rows={roles.map(({ role, instance, host, pid, version, started_at }) => ({
          key: `${role} ${instance}`,
          cells: [
            <b key="role">{role}</b>,
            <code key="instance">{instance}</code>,
            `${host ?? ''}${pid === undefined ? '' : ` · ${pid}`}`,
            version ?? '',
            started_at === undefined ? '' : <Moment key="since" at={started_at} />,
          ],
        }))}
      />
    </section>
  );
}

function Lags({ system: { lags } }: { system: SystemView }) {
  return (
    <section class="card" aria-label="What waits">
      <div class="card-head">
        <h2>What waits</h2>
        <span class="hint">by the consumer that hands it out</span>
      </div>
      <Rows
        head={['Role', 'Consumer', 'Waiting', 'At work', 'Given again', '']}
        rows={lags.map(({ role, name, waiting, at_work, again, is_attended }) => ({
          key: `${role} ${name}`,
          cells: [
            <b key="role">{role}</b>,
            <span key="name" class="wrap">
              {name}
            </span>,
            waiting.toLocaleString('en'),
            at_work.toLocaleString('en'),
            again.toLocaleString('en'),
            is_attended ? (
              ''
            ) : (
              <span key="attended" class="badge tone-retrying">
                nobody asks for work
              </span>
            ),
          ],
        }))}
      />
    </section>
  );
}

function Projection({ system: { projection } }: { system: SystemView }) {
  return (
    <section class="card" aria-label="Read model">
      <div class="card-head">
        <h2>Read model</h2>
      </div>
      {projection === undefined ? (
        <p class="missing tone-retrying">
          <Icon name="alert" size={14} /> No projection answers: lists and statistics need one. Start it with{' '}
          <code>npx sequent serve --role projection</code>
        </p>
      ) : (
        <dl class="facts">
          <div>
            <dt>instance</dt>
            <dd class="mono">{projection.instance}</dd>
          </div>
          <div>
            <dt>behind the log</dt>
            <dd>
              {projection.lag.toLocaleString('en')} messages, {formatDuration(projection.lag_ms)}
            </dd>
          </div>
          <div>
            <dt>state</dt>
            <dd>
              {projection.rebuild === undefined
                ? projection.is_ready
                  ? 'holds all of the log'
                  : 'catches up'
                : `is built anew, ${projection.rebuild.percent.toFixed(0)} %: ${projection.rebuild.why}`}
            </dd>
          </div>
          <div>
            <dt>problems found in the log</dt>
            <dd>{projection.problems.toLocaleString('en')}</dd>
          </div>
        </dl>
      )}
    </section>
  );
}
