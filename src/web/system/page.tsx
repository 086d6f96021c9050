import type { SystemView } from '#src/gateway/api/schemas/system.ts';
import { get } from '../api/http.ts';
import { Icon } from '../parts/icon.tsx';
import { ProblemNotice, Skeleton } from '../parts/notices.tsx';
import { formatBytes } from '../parts/payload-text.ts';
import { RelativeTime } from '../parts/time.tsx';
import { Link, paths } from '../shell/router.tsx';
import { useFetch } from '../shell/use-fetch.ts';
import { HealthCard } from './health-card.tsx';
import { InstancesCard } from './instances.tsx';
import { LagsCard } from './lags.tsx';
import { ReadModelCard } from './read-model.tsx';
import { VerifyCard } from './verify.tsx';
import '../styles/system.css';

const READ_EVERY_MS = 5_000;

/** The health of the system: its issues, queues, roles, log and read model. */
export function SystemPage() {
  const { content, problem, isLoading, reload } = useFetch('system', readSystem, { everyMs: READ_EVERY_MS });
  return (
    <div class="page">
      <div class="page-head">
        <h1>System</h1>
        {content === undefined ? null : (
          <span class="hint">
            Sequent {content.system.version}, read <RelativeTime at={content.readAt} />
          </span>
        )}
        <div class="spring" />
        <button type="button" class="button small" disabled={isLoading} onClick={reload}>
          <Icon name="retrying" size={14} /> Reload
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
        <dt>Oldest open invocation</dt>
        <dd>
          {oldest_open === undefined ? 'none' : <RelativeTime at={oldest_open.accepted_at} />}
          <small>
            {oldest_open === undefined ? (
              'every invocation is settled'
            ) : (
              <>
                of {oldest_open.function}:{' '}
                <Link to={paths.invocation(oldest_open.request_id)} class="mono">
                  {oldest_open.request_id}
                </Link>
              </>
            )}
          </small>
        </dd>
      </div>
      <div>
        <dt>Dead letters</dt>
        <dd>
          {dead_letters === undefined ? 'unknown' : `${dead_letters.toLocaleString('en')}${is_dead_letters_at_least === true ? '+' : ''}`}
          <small>
            <Link to={paths.deadLetters}>show them</Link>
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
        label="Log"
        value={`${log.messages.toLocaleString('en')} messages`}
        note={`${formatBytes(log.bytes)}, up to sequence ${log.last_sequence.toLocaleString('en')}`}
      />
      <Figure label="JetStream storage" value={formatBytes(log.used_bytes)} note={limitOf(log)} />
      <Figure label="Durability" value={log.durability} note={log.durability_in_words} />
      <Figure label="Replicas" value={String(log.replicas)} note={`on ${log.storage}`} />
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
  if (limit_bytes === undefined) return 'no limit';
  return `of ${formatBytes(limit_bytes)}, ${Math.round((used_bytes / limit_bytes) * 100)} %`;
}
