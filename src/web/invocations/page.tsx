import { useEffect, useRef, useState } from 'preact/hooks';
import type { InvocationRow } from '#src/gateway/api/schemas/invocations.ts';
import { get } from '../api/http.ts';
import { CancelDialog, RedriveDialog } from '../invocation/actions.tsx';
import { Icon } from '../parts/icon.tsx';
import { LiveSign } from '../parts/live-sign.tsx';
import { Empty, ProblemNotice, Skeleton } from '../parts/notices.tsx';
import { useKeys } from '../shell/keys.ts';
import { navigate, paths, usePlace } from '../shell/router.tsx';
import { BulkDialog, type BulkKind } from './bulk.tsx';
import { countsPath, type Filter, filterOf, isNarrowed } from './filter.ts';
import { InvocationTable, rowTop } from './table.tsx';
import { Chips, type Counts, SearchBar } from './toolbar.tsx';
import { type Listed, useInvocations } from './use-invocations.ts';
import { useNarrow } from './windowed.ts';

/** What happens now, and what happened: the page that people land on. */
export function InvocationsPage() {
  const { query } = usePlace();
  const filter = filterOf(query);
  const [isPaused, setIsPaused] = useState(false);
  const [bulk, setBulk] = useState<BulkKind>();
  const [counts, readCounts] = useCounts(filter);
  const { more, again, show, ...listed } = useInvocations(filter, isPaused, readCounts);
  const showFresh = (): void => {
    scrollTo(0, 0);
    if (listed.hasGap) again();
    else show();
  };
  useKeys({ '.': showFresh, p: () => setIsPaused((paused) => !paused) });
  return (
    <div class="page">
      <div class="page-head">
        <h1>Invocations</h1>
        <LiveSign live={listed.live} isPaused={isPaused} onToggle={() => setIsPaused((paused) => !paused)} />
        <div class="spring" />
        <button type="button" class="button small" onClick={() => setBulk('redrive')}>
          <Icon name="redriven" size={14} /> Redrive in bulk…
        </button>
        <button type="button" class="button small" onClick={() => setBulk('cancel')}>
          <Icon name="failed" size={14} /> Cancel in bulk…
        </button>
      </div>
      <SearchBar filter={filter} />
      <Chips filter={filter} counts={counts} />
      <Listing key={JSON.stringify(filter)} listed={listed} filter={filter} more={more} again={again} showFresh={showFresh} />
      {bulk === undefined ? null : <BulkDialog kind={bulk} filter={filter} onClose={() => setBulk(undefined)} />}
    </div>
  );
}

type ListingProps = { listed: Listed; filter: Filter; more: () => void; again: () => void; showFresh: () => void };

function Listing({ listed, filter, more, again, showFresh }: ListingProps) {
  const { rows, fresh, hasGap, isAsking, hasMore, problem } = listed;
  const { selected, dialog, close } = useSelection(rows);
  return (
    <>
      {fresh.length === 0 ? null : (
        <div class="fresh">
          <button type="button" class="button primary small" onClick={showFresh} aria-label={`Show ${fresh.length} new invocations`}>
            <Icon name="up" size={14} /> {hasGap ? `${fresh.length}+` : fresh.length} new
          </button>
        </div>
      )}
      {problem === undefined ? null : <ProblemNotice problem={problem} again={again} />}
      {rows.length > 0 ? (
        <InvocationTable rows={rows} selected={selected} onEnd={() => (hasMore && !isAsking ? more() : undefined)} />
      ) : null}
      {rows.length === 0 && isAsking ? <Skeleton lines={12} height={24} /> : null}
      {rows.length === 0 && !isAsking && problem === undefined ? <NoInvocations filter={filter} /> : null}
      {rows.length > 0 ? (
        <p class="list-end">{hasMore || isAsking ? 'Fetching more…' : `${rows.length.toLocaleString('en')} invocations: that is all`}</p>
      ) : null}
      {dialog?.kind === 'redrive' ? <RedriveDialog id={dialog.id} onClose={close} /> : null}
      {dialog?.kind === 'cancel' ? <CancelDialog id={dialog.id} onClose={close} onDone={() => {}} /> : null}
    </>
  );
}

function useSelection(rows: readonly InvocationRow[]) {
  const isNarrow = useNarrow();
  // The id, not the place: rows may come before it.
  const [selectedId, setSelectedId] = useState<string>();
  const [dialog, setDialog] = useState<{ kind: 'redrive' | 'cancel'; id: string }>();
  const selected = selectedId === undefined ? -1 : rows.findIndex(({ request_id }) => request_id === selectedId);
  const select = (index: number): void => {
    const row = rows[Math.max(0, Math.min(rows.length - 1, index))];
    if (row === undefined) return;
    setSelectedId(row.request_id);
    revealRow(rows.indexOf(row), isNarrow);
  };
  const withSelected = (kind: 'redrive' | 'cancel') => () => {
    if (selectedId !== undefined) setDialog({ kind, id: selectedId });
  };
  useKeys({
    j: () => select(selected + 1),
    k: () => select(selected - 1),
    ...(selectedId === undefined ? {} : { Enter: () => navigate(paths.invocation(selectedId)), Escape: () => setSelectedId(undefined) }),
    r: withSelected('redrive'),
    c: withSelected('cancel'),
  });
  return { selected, dialog, close: () => setDialog(undefined) };
}

/** Scrolls as little as is needed. */
function revealRow(index: number, isNarrow: boolean): void {
  const body = document.querySelector('.table-body');
  if (body === null) return;
  const { top, height } = rowTop(index, isNarrow);
  const at = body.getBoundingClientRect().top + top;
  const covered = 110;
  if (at < covered) scrollBy({ top: at - covered });
  else if (at + height > innerHeight - 12) scrollBy({ top: at + height - innerHeight + 12 });
}

/** The counts of the chips, read again when something changed, at most every two seconds. */
function useCounts(filter: Filter): [Counts | undefined, () => void] {
  const key = countsPath({ ...filter, since: '' }) + (filter.since ?? '');
  const [counts, setCounts] = useState<{ key: string; counts: Counts }>();
  const state = useRef({ filter, key, readAt: 0, timer: undefined as ReturnType<typeof setTimeout> | undefined });
  Object.assign(state.current, { filter, key });
  const read = async (): Promise<void> => {
    const { current } = state;
    current.timer = undefined;
    current.readAt = Date.now();
    const asked = current.key;
    try {
      const found = await get<Counts>(countsPath(current.filter));
      if (current.key === asked) setCounts({ key: asked, counts: found });
    } catch {
      // The list tells what is wrong.
    }
  };
  const readSoon = useRef(() => {
    const { current } = state;
    current.timer ??= setTimeout(() => void read(), Math.max(0, current.readAt + 2_000 - Date.now()));
  });
  useEffect(() => {
    void read();
    return () => clearTimeout(state.current.timer);
  }, [key]);
  return [counts?.counts, readSoon.current];
}

function NoInvocations({ filter }: { filter: Filter }) {
  if (isNarrowed(filter))
    return (
      <Empty
        title="Nothing matches"
        icon="search"
        command={`npx sequent ls${filter.function === undefined ? '' : ` ${filter.function}`} --since 1h`}
      >
        <p>No invocation has all of what is asked for. The words of a search must stand in the payload or in the error.</p>
        <button type="button" class="button" onClick={() => navigate(paths.invocations)}>
          Show all
        </button>
      </Empty>
    );
  return (
    <Empty title="No invocations yet" icon="running" command={`npx sequent invoke hello -d '{"name":"Ada"}'`}>
      <p>They appear here as soon as something is invoked.</p>
    </Empty>
  );
}
