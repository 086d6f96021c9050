import { useEffect, useState } from 'preact/hooks';
import type { LogLineView, LogsView } from '#src/gateway/api/streams/log-schemas.ts';
import { type ApiError, checkSession, get, withQuery } from '../api/http.ts';
import type { LiveState } from '../api/live.ts';
import { problemOf } from '../shell/use-fetch.ts';

export type LogQuery = { text: string; level: string; failed: string; whole: string; sinceInMs: number };

type Logs = { lines: readonly LogLineView[] | undefined; isComplete: boolean; problem: ApiError | undefined; live: LiveState };

/** The page keeps this many lines; older ones go first. */
const MAX_LINES = 2_000;
const RETRY_IN_MS = 2_000;

/**
 * The log lines of a function: those that the log holds, then what running attempts print, while the page is visible.
 *
 * A stream that breaks is read again from its beginning, so no line is missing.
 */
export function useLogs(path: string, { text, level, failed, whole, sinceInMs }: LogQuery, isPaused: boolean): Logs {
  const [logs, setLogs] = useState<Logs>({ lines: undefined, isComplete: true, problem: undefined, live: 'connecting' });

  useEffect(() => {
    const filter = { text, level, failed, whole };
    const reading = new AbortController();
    let source: EventSource | undefined;
    let retry: ReturnType<typeof setTimeout> | undefined;

    function stop(): void {
      clearTimeout(retry);
      source?.close();
      source = undefined;
    }
    function fail(problem?: ApiError): void {
      stop();
      if (reading.signal.aborted) return;
      setLogs((present) => ({ ...present, problem, live: 'lost' }));
      retry = setTimeout(start, RETRY_IN_MS);
    }
    function start(): void {
      stop();
      if (document.hidden) return;
      const query = { ...filter, from: Date.now() - sinceInMs, limit: MAX_LINES };
      get<LogsView>(withQuery(`${path}/logs`, query), reading.signal).then(follow, (thrown: unknown) => fail(problemOf(thrown)));
    }
    function follow({ lines, is_complete: isComplete, next }: LogsView): void {
      if (reading.signal.aborted) return;
      setLogs({ lines, isComplete, problem: undefined, live: 'connecting' });
      if (isPaused) return;
      const opened = new EventSource(withQuery(`${path}/logs/stream`, { ...filter, from: next, live: 'true' }));
      source = opened;
      opened.onopen = () => setLogs((present) => ({ ...present, live: 'live' }));
      opened.onerror = () => {
        if (opened.readyState === EventSource.CLOSED) void checkSession();
        fail();
      };
      const add = ({ data }: MessageEvent<string>): void => {
        const added = JSON.parse(data) as LogLineView[];
        setLogs((present) => {
          const all = [...(present.lines ?? []), ...added];
          return { ...present, lines: all.slice(-MAX_LINES), isComplete: present.isComplete && all.length <= MAX_LINES };
        });
      };
      opened.addEventListener('lines', add);
      opened.addEventListener('live', add);
    }

    const onVisibilityChange = (): void => (document.hidden ? stop() : start());
    document.addEventListener('visibilitychange', onVisibilityChange);
    start();
    return () => {
      reading.abort();
      stop();
      document.removeEventListener('visibilitychange', onVisibilityChange);
    };
  }, [path, text, level, failed, whole, sinceInMs, isPaused]);
  return logs;
}
