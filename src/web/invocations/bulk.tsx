import { useEffect, useRef, useState } from 'preact/hooks';
import type { BulkOperationView } from '#src/gateway/api/schemas/bulk-operations.ts';
import type { BulkView } from '#src/gateway/api/schemas/repair.ts';
import { type ApiError, get, post } from '../api/http.ts';
import { AbortButton, isRunning } from '../parts/bulk-operation.tsx';
import { ProblemNotice } from '../parts/notices.tsx';
import { RichText } from '../parts/rich-text.tsx';
import { Dialog } from '../shell/dialog.tsx';
import { formatNumber, type Text, t, translated } from '../shell/language.ts';
import { problemOf } from '../shell/use-fetch.ts';
import type { BulkKind, BulkTarget } from './bulk-target.tsx';
import { type Filter, filterBody } from './filter.ts';
import type { Chosen } from './row-selection.ts';

/** One request of a count covers up to 500 invocations. The dialog sends at most so many requests. */
const MAX_PAGES = 200;
const READ_EVERY_MS = 700;

/** Counts the matching invocations, starts a bulk operation after a confirmation, and shows its progress. */
export function BulkDialog({ kind, target, onClose }: { kind: BulkKind; target: BulkTarget; onClose: () => void }) {
  const { chosen } = target;
  const scope = scopeOf(kind, target.filter);
  const { matched, operations, problem, start } = useBulk(kind, chosen === undefined ? [{ filter: filterBody(scope) }] : slicesOf(chosen));
  const begin = (): void => {
    target.onDone?.();
    void start();
  };
  return (
    <Dialog title={t(chosen === undefined ? titles[kind].all : titles[kind].selected)} onClose={onClose}>
      <div class="dialog-body">
        {chosen === undefined ? <FilterList filter={scope} /> : <p>{t('{count} are selected.', { count: formatNumber(chosen.length) })}</p>}
        {problem === undefined ? null : <ProblemNotice problem={problem} />}
        {operations.length === 0 && problem === undefined ? <Matches kind={kind} {...matched} /> : null}
        {operations.length === 0 ? null : <Result kind={kind} operations={operations} />}
      </div>
      <div class="dialog-foot">
        {operations.filter(isRunning).map(({ id }) => (
          <AbortButton key={id} id={id} />
        ))}
        <button type="button" class="button" onClick={onClose}>
          {t('Close')}
        </button>
        {operations.length === 0 ? <StartButton kind={kind} {...matched} onStart={begin} /> : null}
      </div>
    </Dialog>
  );
}

const titles = {
  redrive: { all: 'Redrive in bulk', selected: 'Redrive the selected invocations' },
  cancel: { all: 'Cancel in bulk', selected: 'Cancel the selected invocations' },
} as const satisfies Record<BulkKind, Record<'all' | 'selected', Text>>;

/** The filter of the action. Only open invocations can be cancelled; a redrive without a state filter covers those that failed. */
function scopeOf(kind: BulkKind, filter: Filter): Filter {
  if (kind === 'cancel') return { state: 'queued,running,retrying', ...filter };
  return filter.state === undefined ? { status: 'FAIL,DISCARD', ...filter } : filter;
}

type StartProps = { kind: BulkKind; count: number; isCounted: boolean; onStart: () => void };

function StartButton({ kind, count, isCounted, onStart }: StartProps) {
  const className = kind === 'cancel' ? 'button danger' : 'button primary';
  return (
    <button type="button" class={className} disabled={!isCounted || count === 0} onClick={onStart}>
      {t(kind === 'redrive' ? 'Redrive {count}' : 'Cancel {count}', { count: isCounted ? formatNumber(count) : '…' })}
    </button>
  );
}

/** What one series of requests covers. */
type Part = { filter: object } | { invocations: readonly Chosen[] };

/** One request names at most 500 invocations. */
function slicesOf(chosen: readonly Chosen[]): Part[] {
  return Array.from({ length: Math.ceil(chosen.length / 500) }, (_, index) => ({
    invocations: chosen.slice(index * 500, (index + 1) * 500),
  }));
}

function useBulk(kind: BulkKind, parts: readonly Part[]) {
  const [matched, setMatched] = useState<Matched>({ count: 0, isCounted: false, skipped: [] });
  const [operations, setOperations] = useState<readonly BulkOperationView[]>([]);
  const [problem, setProblem] = useState<ApiError>();
  const isClosed = useRef(false);

  async function countAll(onPage: (page: BulkView) => void): Promise<void> {
    for (const part of parts) await countPages(part, onPage);
  }
  async function countPages(part: Part, onPage: (page: BulkView) => void): Promise<void> {
    let cursor: string | undefined;
    for (let page = 0; page < MAX_PAGES && !isClosed.current; page++) {
      const options = { ...part, dry_run: true, ...(cursor === undefined ? {} : { cursor }) };
      const answer = await post<BulkView>(`/api/${kind}`, options);
      onPage(answer);
      cursor = answer.next_cursor;
      if (cursor === undefined) return;
    }
  }
  useEffect(() => {
    countAll((page) => setMatched((present) => withPage(present, page))).then(
      () => setMatched((present) => ({ ...present, isCounted: true })),
      (thrown: unknown) => setProblem(problemOf(thrown)),
    );
    return () => {
      isClosed.current = true;
    };
  }, []);
  const start = async (): Promise<void> => {
    try {
      const ids: string[] = [];
      for (const part of parts) ids.push((await post<BulkOperationView>('/api/bulk', { action: kind, ...part })).id);
      // Without the dialog the operations continue.
      for (let isOver = false; !isOver && !isClosed.current; ) {
        const present = await Promise.all(ids.map((id) => get<BulkOperationView>(`/api/bulk/${id}`)));
        setOperations(present);
        isOver = !present.some(isRunning);
        if (!isOver) await new Promise((resolve) => setTimeout(resolve, READ_EVERY_MS));
      }
    } catch (thrown) {
      setProblem(problemOf(thrown));
    }
  };
  return { matched, operations, problem, start };
}

type Matched = { count: number; isCounted: boolean; skipped: NonNullable<BulkView['skipped']> };

function withPage({ count, isCounted, skipped }: Matched, page: BulkView): Matched {
  const counts = new Map(skipped.map((one) => [one.why, one.count]));
  for (const one of page.skipped ?? []) counts.set(one.why, (counts.get(one.why) ?? 0) + one.count);
  return { count: count + page.matched, isCounted, skipped: [...counts].map(([why, number]) => ({ why, count: number })) };
}

/** Why the action leaves invocations of the filter out. */
function Skipped({ skipped }: Pick<Matched, 'skipped'>) {
  if (skipped.length === 0) return null;
  return (
    <>
      <p>{t('Left out:')}</p>
      <ul>
        {skipped.map(({ why, count }) => (
          <li key={why}>
            {formatNumber(count)} {translated(why)}
          </li>
        ))}
      </ul>
    </>
  );
}

function FilterList({ filter }: { filter: Filter }) {
  return (
    <dl class="properties">
      {Object.entries(filter).map(([field, value]) => (
        <div key={field}>
          <dt>{translated(field.replaceAll('_', ' '))}</dt>
          <dd class="mono">{value.replaceAll(',', ', ')}</dd>
        </div>
      ))}
    </dl>
  );
}

function Matches({ kind, count, isCounted, skipped }: Matched & { kind: BulkKind }) {
  if (!isCounted) return <p>{t('Counting: {count}…', { count: formatNumber(count) })}</p>;
  return (
    <>
      {count === 0 ? (
        <p>
          {kind === 'redrive'
            ? t('No matching invocation can be redriven: it must have an outcome and not been redriven yet.')
            : t('No matching invocation can be cancelled: it must not have an outcome yet.')}
        </p>
      ) : (
        <p>
          <RichText text={count === 1 ? '{count} matches.' : '{count} match.'} values={{ count: <strong>{formatNumber(count)}</strong> }} />{' '}
          {kind === 'redrive'
            ? t('Each is run again as a new invocation with the same payload.')
            : t('Each fails with the condition InvocationCanceled.')}
        </p>
      )}
      <Skipped skipped={skipped} />
    </>
  );
}

const doneTexts = {
  redrive: { soFar: '{count} redriven so far…', whole: '{count} redriven.' },
  cancel: { soFar: '{count} cancelled so far…', whole: '{count} cancelled.' },
} as const satisfies Record<BulkKind, Record<'soFar' | 'whole', Text>>;

function Result({ kind, operations }: { kind: BulkKind; operations: readonly BulkOperationView[] }) {
  const sum = (value: (one: BulkOperationView) => number): number => operations.reduce((total, one) => total + value(one), 0);
  const failures = operations.flatMap((one) => one.failures);
  const [done, failed, leftOut] = [sum((one) => one.done), sum((one) => one.failed), sum(({ left_out }) => left_out)];
  const isGoingOn = operations.some(isRunning);
  return (
    <>
      <p role="status">
        <RichText text={doneTexts[kind][isGoingOn ? 'soFar' : 'whole']} values={{ count: <strong>{formatNumber(done)}</strong> }} />
        {operations.some(({ state }) => state === 'aborted') ? t(' The operation was aborted.') : ''}
      </p>
      {isGoingOn ? <p class="hint">{t('It continues when this dialog is closed. The page System lists it.')}</p> : null}
      {leftOut === 0 ? null : <p>{t('{count} were redriven before.', { count: formatNumber(leftOut) })}</p>}
      {operations.map(({ id, problem }) =>
        problem === undefined ? null : <p key={id}>{t('It stopped: {reason}', { reason: problem })}</p>,
      )}
      {failed === 0 ? null : (
        <>
          <p>{t('{count} were not changed:', { count: formatNumber(failed) })}</p>
          <ul class="failures">
            {failures.slice(0, 50).map(({ request_id, detail }) => (
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
