import '../styles/pages/system.css';
import { formatDuration } from '#src/core/text/format-duration.ts';
import type { SystemView } from '#src/gateway/api/system/system-schemas.ts';
import { get } from '../api/http.ts';
import { CommandLine } from '../parts/copy.tsx';
import { Icon } from '../parts/icon.tsx';
import { ProblemNotice, Skeleton } from '../parts/notices.tsx';
import { formatBytes } from '../parts/payload-text.ts';
import { type Property, PropertyList } from '../parts/property-list.tsx';
import { RichText } from '../parts/rich-text.tsx';
import { RelativeTime } from '../parts/time.tsx';
import { formatNumber, t, tn, translated } from '../shell/language.ts';
import { Link, paths } from '../shell/router.tsx';
import { useFetch } from '../shell/use-fetch.ts';
import { BulkOperationsCard } from './bulk-operations.tsx';
import { healthIssues } from './health.ts';
import { InstancesCard } from './instances.tsx';
import { LagsCard } from './lags.tsx';
import { QuotasCard } from './quotas.tsx';
import { VerifyCard } from './verify.tsx';

const READ_EVERY_MS = 5_000;

/** The health of the system: its issues, queues, roles, log and read model. */
export function SystemPage() {
  const { content, problem, isLoading, reload } = useFetch('system', readSystem, { everyMs: READ_EVERY_MS });
  return (
    <div class="page">
      <div class="page-head">
        <h1>{t('System')}</h1>
        {content === undefined ? null : (
          <span class="hint">
            <RichText
              text="Sequent {version}, read {time}"
              values={{ version: content.system.version, time: <RelativeTime at={content.readAt} /> }}
            />
          </span>
        )}
        <div class="spring" />
        <button type="button" class="button small" disabled={isLoading} onClick={reload}>
          <Icon name="retrying" size={14} /> {t('Reload')}
        </button>
      </div>
      {problem === undefined ? null : <ProblemNotice problem={problem} onRetry={reload} />}
      {content === undefined ? (
        problem === undefined ? (
          <Skeleton lines={12} height={28} />
        ) : null
      ) : (
        <div class="system">
          <HealthCard system={content.system} />
          <Figures system={content.system} />
          <BulkOperationsCard />
          <QuotasCard quotas={content.system.quotas} />
          <LagsCard lags={content.system.lags} />
          <InstancesCard system={content.system} />
          <ReadModelCard projection={content.system.projection} />
          <VerifyCard />
        </div>
      )}
    </div>
  );
}

async function readSystem(signal: AbortSignal): Promise<{ system: SystemView; readAt: number }> {
  return { system: await get<SystemView>('/api/system', signal), readAt: Date.now() };
}

function Figures({ system: { log, oldest_open, dead_letters, is_dead_letters_at_least } }: { system: SystemView }) {
  return (
    <dl class="figures card">
      <div>
        <dt>{t('Oldest open invocation')}</dt>
        <dd>
          {oldest_open === undefined ? t('none') : <RelativeTime at={oldest_open.accepted_at} />}
          <small>
            {oldest_open === undefined ? (
              t('every invocation is settled')
            ) : (
              <>
                {t('of {name}:', { name: oldest_open.function })}{' '}
                <Link to={paths.invocation(oldest_open.request_id, oldest_open.function)} class="mono">
                  {oldest_open.request_id}
                </Link>
              </>
            )}
          </small>
        </dd>
      </div>
      <div>
        <dt>{t('Dead letters')}</dt>
        <dd>
          {dead_letters === undefined ? t('unknown') : `${formatNumber(dead_letters)}${is_dead_letters_at_least === true ? '+' : ''}`}
          <small>
            <Link to={paths.deadLetters}>{t('show them')}</Link>
          </small>
        </dd>
      </div>
      {log === undefined ? null : <LogFigures log={log} />}
    </dl>
  );
}

function LogFigures({ log }: { log: NonNullable<SystemView['log']> }) {
  return (
    <>
      <Figure
        label={t('Log')}
        value={t('{count} messages', { count: formatNumber(log.messages) })}
        note={t('{size}, up to sequence {sequence}', { size: formatBytes(log.bytes), sequence: formatNumber(log.last_sequence) })}
      />
      <Figure label={t('JetStream storage')} value={formatBytes(log.used_bytes)} note={limitOf(log)} />
      <Figure
        label={t('Consumers')}
        value={formatNumber(log.consumers)}
        note={log.max_consumers === undefined ? t('no limit') : t('of at most {max}', { max: formatNumber(log.max_consumers) })}
      />
      <Figure label={t('Durability')} value={log.durability} note={translated(log.durability_in_words)} />
      <Figure label={t('Replicas')} value={String(log.replicas)} note={t('on {storage}', { storage: translated(log.storage) })} />
    </>
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

function limitOf({ used_bytes, limit_bytes }: NonNullable<SystemView['log']>): string {
  if (limit_bytes === undefined) return t('no limit');
  return t('of {limit}, {percent} %', { limit: formatBytes(limit_bytes), percent: Math.round((used_bytes / limit_bytes) * 100) });
}

/** Whether the system is healthy, and else what is wrong and what to do. */
function HealthCard({ system }: { system: SystemView }) {
  const issues = healthIssues(system);
  return (
    <section class="health" aria-label={t('Health')}>
      <div role="status">
        {issues.length === 0 ? (
          <p class="health-line tone-succeeded">
            <Icon name="succeeded" /> <strong>{t('Healthy')}</strong> {t('Every role is running, and no work is stuck.')}
          </p>
        ) : (
          <ul>
            {issues.map(({ severity, title, reason, command, to }) => (
              <li key={title} class={`health-line tone-${severity === 'error' ? 'failed' : 'retrying'}`}>
                <Icon name={severity === 'error' ? 'failed' : 'alert'} />{' '}
                <strong>{to === undefined ? title : <Link to={to}>{title}</Link>}</strong> {reason}
                {command === undefined ? null : <CommandLine text={command} />}
              </li>
            ))}
          </ul>
        )}
      </div>
    </section>
  );
}

/** The projection that answered, and how far behind the log it is. */
function ReadModelCard({ projection }: { projection: SystemView['projection'] }) {
  if (projection === undefined) return null;
  const { instance, sequence, lag, lag_ms, problems } = projection;
  const properties: Property[] = [
    [t('Instance'), instance],
    [t('State'), stateOf(projection)],
    [t('Checkpoint'), t('sequence {sequence}', { sequence: formatNumber(sequence) })],
    [
      t('Behind the log'),
      lag === 0
        ? t('no message')
        : t('{messages}, {duration}', { messages: tn(lag, ['{count} message', '{count} messages']), duration: formatDuration(lag_ms) }),
    ],
    ...(problems === undefined ? [] : [[t('Problems found in the log'), formatNumber(problems)] as const]),
  ];
  return (
    <section class="card" aria-label={t('Read model')}>
      <div class="card-head">
        <h2>{t('Read model')}</h2>
        <span class="hint">{t('answers lists, searches and statistics')}</span>
      </div>
      <PropertyList properties={properties} />
    </section>
  );
}

function stateOf({ is_ready, rebuild }: NonNullable<SystemView['projection']>): string {
  if (rebuild !== undefined) {
    const values = { percent: rebuild.percent.toFixed(0), why: rebuild.why };
    if (rebuild.seconds_left === null) return t('is being rebuilt, {percent} %: {why}', values);
    return t('is being rebuilt, {percent} %, {left} left: {why}', { ...values, left: formatDuration(rebuild.seconds_left * 1_000) });
  }
  return is_ready ? t('includes the whole log') : t('catches up with the log');
}
