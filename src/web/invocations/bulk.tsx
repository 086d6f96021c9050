import { useEffect, useRef, useState } from 'preact/hooks';
import type { BulkView } from '#src/gateway/api/schemas/repair.ts';
import { type ApiError, post } from '../api/http.ts';
import { ProblemNotice } from '../parts/notices.tsx';
import { Dialog } from '../shell/dialog.tsx';
import { problemOf } from '../shell/use-fetch.ts';
import { type Filter, filterBody } from './filter.ts';

export type BulkKind = 'redrive' | 'cancel';
type Progress = { done: number; failed: BulkView['failed']; isRunning: boolean };
/** One request covers up to 500 invocations. The dialog sends at most so many requests. */
const MAX_PAGES = 200;

/** Counts the matching invocations, redrives or cancels them after a confirmation, and reports the result. */
export function BulkDialog({ kind, filter, onClose }: { kind: BulkKind; filter: Filter; onClose: () => void }) {
  const verb = kind === 'redrive' ? 'Redrive' : 'Cancel';
  const scope = scopeOf(kind, filter);
  const { matched, progress, problem, start } = useBulk(kind, scope);
  return (
    <Dialog title={`${verb} in bulk`} onClose={onClose}>
      <div class="dialog-body">
        <FilterList filter={scope} />
        {problem === undefined ? null : <ProblemNotice problem={problem} />}
        {progress === undefined && problem === undefined ? <Matches kind={kind} {...matched} /> : null}
        {progress === undefined ? null : <Result kind={kind} progress={progress} />}
      </div>
      <div class="dialog-foot">
        <button type="button" class="button" onClick={onClose}>
          {progress?.isRunning === true ? 'Stop' : 'Close'}
        </button>
        {progress === undefined ? <StartButton kind={kind} verb={verb} {...matched} onStart={() => void start()} /> : null}
      </div>
    </Dialog>
  );
}

/** The filter of the action. Only open invocations can be cancelled; a redrive without a state filter covers those that failed. */
function scopeOf(kind: BulkKind, filter: Filter): Filter {
  if (kind === 'cancel') return { state: 'queued,running,retrying', ...filter };
  return filter.state === undefined ? { status: 'FAIL,DISCARD', ...filter } : filter;
}

type StartProps = { kind: BulkKind; verb: string; count: number; isCounted: boolean; onStart: () => void };

function StartButton({ kind, verb, count, isCounted, onStart }: StartProps) {
  const className = kind === 'cancel' ? 'button danger' : 'button primary';
  return (
    <button type="button" class={className} disabled={!isCounted || count === 0} onClick={onStart}>
      {verb} {isCounted ? count.toLocaleString('en') : '…'}
    </button>
  );
}

function useBulk(kind: BulkKind, filter: Filter) {
  const [matched, setMatched] = useState({ count: 0, isCounted: false });
  const [progress, setProgress] = useState<Progress>();
  const [problem, setProblem] = useState<ApiError>();
  const isClosed = useRef(false);

  async function sendPages(isDryRun: boolean, onPage: (page: BulkView) => void): Promise<void> {
    let cursor: string | undefined;
    const body = filterBody(filter);
    for (let page = 0; page < MAX_PAGES && !isClosed.current; page++) {
      const options = { filter: body, dry_run: isDryRun, ...(cursor === undefined ? {} : { cursor }) };
      const answer = await post<BulkView>(`/api/${kind}`, options);
      onPage(answer);
      cursor = answer.next_cursor;
      if (cursor === undefined) return;
    }
  }
  useEffect(() => {
    sendPages(true, (page) => setMatched((present) => ({ ...present, count: present.count + page.matched }))).then(
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
      await sendPages(false, ({ done, failed }) => {
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

function FilterList({ filter }: { filter: Filter }) {
  return (
    <dl class="properties">
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
  if (!isCounted) return <p>Counting: {count.toLocaleString('en')}…</p>;
  if (count === 0)
    return (
      <p>
        No matching invocation can be{' '}
        {kind === 'redrive' ? 'redriven: it must have finished and not been redriven yet' : 'cancelled: it must not have finished yet'}.
      </p>
    );
  return (
    <p>
      <strong>{count.toLocaleString('en')}</strong> {count === 1 ? 'matches' : 'match'}.{' '}
      {kind === 'redrive'
        ? 'Each is run again as a new invocation with the same payload. Invocations that were redriven before are left out.'
        : 'Each fails with the condition InvocationCanceled.'}
    </p>
  );
}

function Result({ kind, progress: { done, failed, isRunning } }: { kind: BulkKind; progress: Progress }) {
  return (
    <>
      <p role="status">
        <strong>{done.toLocaleString('en')}</strong> {kind === 'redrive' ? 'redriven' : 'cancelled'}
        {isRunning ? ' so far…' : '.'}
      </p>
      {failed.length === 0 ? null : (
        <>
          <p>{failed.length} were not changed:</p>
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
