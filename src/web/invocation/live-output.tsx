import { useEffect, useState } from 'preact/hooks';
import type { InvocationView } from '#src/gateway/api/invocations/invocation-schemas.ts';
import type { LogLineView } from '#src/gateway/api/streams/log-schemas.ts';
import { withQuery } from '../api/http.ts';
import { LeftOut } from '../logs/left-out.tsx';
import { useNewestInView } from '../parts/hooks/use-newest-in-view.ts';
import { Scrollable } from '../parts/scrollable.tsx';
import { t } from '../shell/language.ts';
import '../styles/pages/logs.css';

/** The page keeps this many lines of running attempts; older ones go first. */
const MAX_LINES = 500;

/** What the running attempt prints, within a second. Once an attempt has ended, its output is that of the log. */
export function LiveOutput({ view, isPaused }: { view: InvocationView; isPaused: boolean }) {
  const isOpen = view.ended_at === undefined && !isPaused;
  const lines = useLiveLines({ id: view.request_id, name: view.function }, isOpen);
  const ended = new Set(view.outputs.map(({ attempt }) => attempt));
  const shown = lines.filter(({ attempt }) => !ended.has(attempt));
  const end = useNewestInView(lines);
  if (shown.length === 0 || view.ended_at !== undefined) return null;
  return (
    <section class="card" aria-label={t('Live output')}>
      <div class="card-head">
        <h2>{t('Live output')}</h2>
        <span class="hint">{t('lines appear within a second; the log keeps the last 4 KB when the attempt ends')}</span>
      </div>
      <Scrollable class="log-lines live-lines" label={t('Live output')}>
        {shown.map(({ attempt, index, level, message, left_out }) => (
          <div key={`${attempt}/${index}`} class={`log-line level-${level ?? 'none'}`}>
            <LeftOut count={left_out} />
            <span class="log-level" title={t('Attempt {attempt}', { attempt })}>
              #{attempt}
            </span>{' '}
            <span class="log-text">{message}</span>
          </div>
        ))}
        <div ref={end} />
      </Scrollable>
    </section>
  );
}

/** Follows the running attempts of an invocation while the page is visible. The stream that breaks gives the kept lines again. */
function useLiveLines({ id, name }: { id: string; name: string }, isOpen: boolean): readonly LogLineView[] {
  const [lines, setLines] = useState<readonly LogLineView[]>([]);
  useEffect(() => {
    if (!isOpen) return;
    let source: EventSource | undefined;
    function follow(): void {
      source?.close();
      source = undefined;
      if (document.hidden) return;
      source = new EventSource(withQuery(`/api/functions/${encodeURIComponent(name)}/logs/stream`, { request_id: id, live: 'true' }));
      // A stream knows nothing of the one before it, and begins with all lines that the worker keeps.
      source.onopen = () => setLines([]);
      source.addEventListener('live', ({ data }: MessageEvent<string>) => {
        setLines((present) => [...present, ...(JSON.parse(data) as LogLineView[])].slice(-MAX_LINES));
      });
    }
    document.addEventListener('visibilitychange', follow);
    follow();
    return () => {
      document.removeEventListener('visibilitychange', follow);
      source?.close();
    };
  }, [id, name, isOpen]);
  return lines;
}
