import { useRef, useState } from 'preact/hooks';
import type { LogLineView } from '#src/gateway/api/streams/log-schemas.ts';
import { messageText } from '../parts/failure-summary.ts';
import { useNewestInView } from '../parts/hooks/use-newest-in-view.ts';
import { Icon } from '../parts/icon.tsx';
import { LiveStatus } from '../parts/live-status.tsx';
import { Empty, ProblemNotice, Skeleton } from '../parts/notices.tsx';
import { Scrollable } from '../parts/scrollable.tsx';
import { formatExactTime } from '../parts/time.tsx';
import { useKeys } from '../shell/keys.ts';
import { type Text, t } from '../shell/language.ts';
import { changeQuery, Link, paths, useLocation } from '../shell/router.tsx';
import { zone } from '../shell/settings.ts';
import { useStore } from '../shell/store.ts';
import { LeftOut } from './left-out.tsx';
import { useLogs } from './use-logs.ts';
import '../styles/pages/logs.css';

const levels = ['', 'debug', 'info', 'warn', 'error'];
const times: Readonly<Record<string, { label: Text; ms: number }>> = {
  '10m': { label: 'Last 10 minutes', ms: 600_000 },
  '': { label: 'Last hour', ms: 3_600_000 },
  '1d': { label: 'Last day', ms: 86_400_000 },
  '7d': { label: 'Last 7 days', ms: 604_800_000 },
};

/** What the attempts of a function printed, and why they failed: searchable, and live. The address of the page holds the filter. */
export function LogsTab({ name, path }: { name: string; path: string }) {
  const { query } = useLocation();
  const text = query.get('text') ?? '';
  const level = query.get('level') ?? '';
  const failed = query.get('failed') ?? '';
  const since = query.get('since') ?? '';
  const whole = query.get('whole') ?? '';
  const [isPaused, setIsPaused] = useState(false);
  const sinceInMs = (times[since] ?? times[''])?.ms ?? 0;
  const { lines, isComplete, problem, live } = useLogs(path, { text, level, failed, whole, sinceInMs }, isPaused);
  return (
    <section class="card logs" aria-label={t('Logs')}>
      <div class="logs-filter">
        <SearchField text={text} />
        <label>
          <span class="unseen">{t('Least level')}</span>
          <select value={level} onChange={({ currentTarget }) => changeQuery({ level: currentTarget.value })}>
            {levels.map((one) => (
              <option key={one} value={one}>
                {one === '' ? t('All levels') : t('{level} and above', { level: one })}
              </option>
            ))}
          </select>
        </label>
        <label>
          <span class="unseen">{t('Time')}</span>
          <select value={since} onChange={({ currentTarget }) => changeQuery({ since: currentTarget.value })}>
            {Object.entries(times).map(([value, { label }]) => (
              <option key={value} value={value}>
                {t(label)}
              </option>
            ))}
          </select>
        </label>
        <label class="logs-failed">
          <input
            type="checkbox"
            checked={failed === 'true'}
            onChange={({ currentTarget }) => changeQuery({ failed: currentTarget.checked ? 'true' : '' })}
          />
          {t('Failed attempts only')}
        </label>
        <label class="logs-failed" title={t('Of functions that keep more than the last 4 KB')}>
          <input
            type="checkbox"
            checked={whole === 'true'}
            onChange={({ currentTarget }) => changeQuery({ whole: currentTarget.checked ? 'true' : '' })}
          />
          {t('Whole output')}
        </label>
        <div class="spring" />
        <LiveStatus live={isPaused ? 'paused' : live} isPaused={isPaused} onToggle={() => setIsPaused(!isPaused)} />
      </div>
      {problem === undefined ? null : <ProblemNotice problem={problem} />}
      {lines === undefined ? (
        problem === undefined ? (
          <Skeleton lines={8} height={18} />
        ) : null
      ) : (
        <Lines name={name} lines={lines} isComplete={isComplete} />
      )}
    </section>
  );
}

function SearchField({ text }: { text: string }) {
  const input = useRef<HTMLInputElement>(null);
  useKeys({ '/': () => input.current?.focus() });
  return (
    <form
      class="find"
      onSubmit={(event) => {
        event.preventDefault();
        changeQuery({ text: input.current?.value ?? '' });
      }}
    >
      <Icon name="search" size={14} />
      <input
        ref={input}
        type="search"
        aria-label={t('Find in the logs')}
        placeholder={t('Find in the logs')}
        maxLength={256}
        defaultValue={text}
      />
    </form>
  );
}

function Lines({ name, lines, isComplete }: { name: string; lines: readonly LogLineView[]; isComplete: boolean }) {
  const timeZone = useStore(zone);
  const end = useNewestInView(lines);
  if (lines.length === 0)
    return (
      <Empty title={t('No line of this time matches')} icon="search" command={`sequent logs ${name} --since 7d`}>
        <p>{t('A line of a running attempt appears within a second. Widen the time, or remove a filter.')}</p>
      </Empty>
    );
  return (
    <>
      {isComplete ? null : <p class="hint">{t('Older lines are left out. A filter or a shorter time shows them.')}</p>}
      <Scrollable class="log-lines" label={t('Log lines')}>
        {lines.map((line) => (
          <Line key={`${line.request_id}/${line.attempt}/${line.index}`} name={name} line={line} timeZone={timeZone} />
        ))}
        <div ref={end} />
      </Scrollable>
    </>
  );
}

type LineProps = { name: string; line: LogLineView; timeZone: Parameters<typeof formatExactTime>[1] };

function Line({ name, line: { at, request_id, attempt, level, kind, message, text, is_cut, is_stored, left_out }, timeZone }: LineProps) {
  return (
    <div class={`log-line level-${level ?? 'none'}`}>
      {is_cut ? <CutOutput isStored={is_stored ?? false} /> : null}
      <LeftOut count={left_out} />
      <time title={formatExactTime(at, timeZone)}>{formatExactTime(at, timeZone).slice(11, 23)}</time>{' '}
      <Link to={paths.invocation(request_id, name)} title={t('{id}, attempt {attempt}', { id: request_id, attempt })}>
        …{request_id.slice(-6)} #{attempt}
      </Link>{' '}
      <span class="log-level">{level ?? ''}</span>{' '}
      <span class="log-text" title={message === text ? undefined : text}>
        {kind === 'failure' ? t('failed: {message}', { message: messageText(message) }) : message}
      </span>
    </div>
  );
}

/** Says that an attempt printed more before its first line, and shows it when it is stored. */
function CutOutput({ isStored }: { isStored: boolean }) {
  if (!isStored) return <p class="hint">{t('Earlier output of this attempt was dropped.')}</p>;
  return (
    <p class="hint">
      {t('Earlier output of this attempt is stored:')}{' '}
      <button type="button" class="button small" onClick={() => changeQuery({ whole: 'true' })}>
        {t('show the whole output')}
      </button>
    </p>
  );
}
