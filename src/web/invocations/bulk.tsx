import { useEffect, useRef, useState } from 'preact/hooks';
import type { BulkView } from '#src/gateway/api/schemas/repair.ts';
import { type ApiError, post } from '../api/http.ts';
import { ProblemNotice } from '../parts/notices.tsx';
import { problemOf } from '../shell/asked.ts';
import { Dialog } from '../shell/dialog.tsx';
import { type Filter, filterBody } from './filter.ts';

export type BulkKind = 'redrive' | 'cancel';
type Progress = { done: number; failed: BulkView['failed']; isRunning: boolean };
/** One request looks at 500; so many requests are made before somebody is asked again. */
const MOST_PAGES = 200;

/** Counts first, does what was confirmed, and tells what became of it. */
export function BulkDialog({ kind, filter, onClose }: { kind: BulkKind; filter: Filter; onClose: () => void }) {
  const word = kind === 'redrive' ? 'Redrive' : 'Cancel';
  const scope = scopeOf(kind, filter);
  const { matched, progress, problem, start } = useBulk(kind, scope);
  return (
    <Dialog title={`${word} in bulk`} onClose={onClose}>
      <div class="dialog-body">
        <FilterInWords filter={scope} />
        {problem === undefined ? null : <ProblemNotice problem={problem} />}
        {progress === undefined && problem === undefined ? <Matches kind={kind} {...matched} /> : null}
        {progress === undefined ? null : <Done kind={kind} progress={progress} />}
      </div>
      <div class="dialog-foot">
        <button type="button" class="button" onClick={onClose}>
          {progress === undefined ? 'Do nothing' : progress.isRunning ? 'Stop' : 'Close'}
        </button>
        {progress === undefined ? <StartButton kind={kind} word={word} {...matched} onStart={() => void start()} /> : null}
      </div>
    </Dialog>
  );
}

/** What is over cannot be cancelled; what is run again is what failed, unless the filter says otherwise. */
function scopeOf(kind: BulkKind, filter: Filter): Filter {
  if (kind === 'cancel') return { state: 'queued,running,retrying', ...filter };
  return filter.state === undefined ? { status: 'FAIL,DISCARD', ...filter } : filter;
}

type StartProps = { kind: BulkKind; word: string; count: number; isCounted: boolean; onStart: () => void };

function StartButton({ kind, word, count, isCounted, onStart }: StartProps) {
  const look = kind === 'cancel' ? 'button danger' : 'button primary';
  return (
    <button type="button" class={look} disabled={!isCounted || count === 0} onClick={onStart}>
      {word} {isCounted ? count.toLocaleString('en') : '…'}
    </button>
  );
}

function useBulk(kind: BulkKind, filter: Filter) {
  const [matched, setMatched] = useState({ count: 0, isCounted: false });
  const [progress, setProgress] = useState<Progress>();
  const [problem, setProblem] = useState<ApiError>();
  const isClosed = useRef(false);

  async function everyPage(isDryRun: boolean, onPage: (page: BulkView) => void): Promise<void> {
    let cursor: string | undefined;
    const body = filterBody(filter);
    for (let page = 0; page < MOST_PAGES && !isClosed.current; page++) {
      const order = { filter: body, dry_run: isDryRun, ...(cursor === undefined ? {} : { cursor }) };
      const answer = await post<BulkView>(`/api/${kind}`, order);
      onPage(answer);
      cursor = answer.next_cursor;
      if (cursor === undefined) return;
    }
  }
  useEffect(() => {
    everyPage(true, (page) => setMatched((present) => ({ ...present, count: present.count + page.matched }))).then(
      () => setMatched((present) => ({ ...present, isCounted: true })),
      (thrown: unknown) => setProblem(problemOf(thrown)),
    );
    return () => {
      isClosed.current = true;
    };
  }, []);
  const start = async (): Promise<void> => {
    const total: Progress = { done: 0, failed: [], isRunning: true };
    setProgress(total);
    try {
      await everyPage(false, ({ done, failed }) => {
        total.done += done.length;
        total.failed = [...total.failed, ...failed];
        setProgress({ ...total });
      });
    } catch (thrown) {
      setProblem(problemOf(thrown));
    }
    setProgress({ ...total, isRunning: false });
  };
  return { matched, progress, problem, start };
}

function FilterInWords({ filter }: { filter: Filter }) {
  return (
    <dl class="facts">
      {Object.entries(filter).map(([field, value]) => (
        <div key={field}>
          <dt>{field.replaceAll('_', ' ')}</dt>
          <dd class="mono">{value.replaceAll(',', ', ')}</dd>
        </div>
      ))}
    </dl>
  );
}

function Matches({ kind, count, isCounted }: { kind: BulkKind; count: number; isCounted: boolean }) {
  if (!isCounted) return <p>Counting what matches: {count.toLocaleString('en')}…</p>;
  if (count === 0)
    return (
      <p>
        Nothing matches that could be{' '}
        {kind === 'redrive' ? 'redriven: only what is over and was not redriven yet can' : 'cancelled: only what is not over can'}.
      </p>
    );
  return (
    <p>
      <strong>{count.toLocaleString('en')}</strong> {count === 1 ? 'matches' : 'match'}.{' '}
      {kind === 'redrive'
        ? 'Each becomes a new invocation with the same payload; what was redriven before is left out.'
        : 'Each fails with the condition InvocationCanceled.'}
    </p>
  );
}

function Done({ kind, progress: { done, failed, isRunning } }: { kind: BulkKind; progress: Progress }) {
  return (
    <>
      <p role="status">
        <strong>{done.toLocaleString('en')}</strong> {kind === 'redrive' ? 'redriven' : 'cancelled'}
        {isRunning ? ' so far…' : '.'}
      </p>
      {failed.length === 0 ? null : (
        <>
          <p>{failed.length} were left as they were:</p>
          <ul class="failures">
            {failed.slice(0, 50).map(({ request_id, detail }) => (
              <li key={request_id}>
                <code>{request_id}</code> {detail}
              </li>
            ))}
          </ul>
        </>
      )}
    </>
  );
}
