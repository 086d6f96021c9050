import { useEffect, useRef, useState } from 'preact/hooks';
import type { BulkOperationView } from '#src/gateway/api/repair/bulk-operation-schemas.ts';
import type { BulkView } from '#src/gateway/api/repair/repair-schemas.ts';
import { type ApiError, post } from '../api/http.ts';
import { AbortButton, isRunning, useOperations } from '../parts/bulk/bulk-operation.tsx';
import { filterName, filterValue } from '../parts/bulk/filter-words.ts';
import { ProblemNotice } from '../parts/notices.tsx';
import { RichText } from '../parts/rich-text.tsx';
import { Dialog } from '../shell/dialog.tsx';
import { formatNumber, type Text, t } from '../shell/language.ts';
import { zone } from '../shell/settings.ts';
import { useStore } from '../shell/store.ts';
import { problemOf } from '../shell/use-fetch.ts';
import { BulkResult, type Matched, Skipped } from './bulk-result.tsx';
import type { BulkKind, BulkTarget } from './bulk-target.tsx';
import { type Filter, filterBody } from './filter.ts';
import type { Chosen } from './row-selection.ts';

/** One request of a count covers up to 500 invocations. The dialog sends at most so many requests. */
const MAX_PAGES = 200;

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
        {operations.length === 0 ? null : <BulkResult {...{ kind, operations, onClose }} skipped={matched.skipped} />}
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
  const [ids, setIds] = useState<readonly string[]>([]);
  const { operations, problem: unread } = useOperations(ids);
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
    const started: string[] = [];
    try {
      for (const part of parts) {
        started.push((await post<BulkOperationView>('/api/bulk', { action: kind, ...part })).id);
        setIds([...started]);
      }
    } catch (thrown) {
      setProblem(problemOf(thrown));
    }
  };
  return { matched, operations, problem: problem ?? unread, start };
}

function withPage({ count, isCounted, skipped }: Matched, page: BulkView): Matched {
  const counts = new Map(skipped.map((one) => [one.why, one.count]));
  for (const one of page.skipped ?? []) counts.set(one.why, (counts.get(one.why) ?? 0) + one.count);
  return { count: count + page.matched, isCounted, skipped: [...counts].map(([why, number]) => ({ why, count: number })) };
}

function FilterList({ filter }: { filter: Filter }) {
  const timeZone = useStore(zone);
  return (
    <dl class="properties">
      {Object.entries(filter).map(([field, value]) => (
        <div key={field}>
          <dt>{filterName(field)}</dt>
          <dd>{filterValue(field, value, timeZone)}</dd>
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
