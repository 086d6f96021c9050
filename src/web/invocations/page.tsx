import { useEffect, useRef, useState } from 'preact/hooks';
import type { InvocationRow } from '#src/gateway/api/schemas/invocations.ts';
import { get } from '../api/http.ts';
import { CancelDialog, RedriveDialog } from '../invocation/actions.tsx';
import { Icon } from '../parts/icon.tsx';
import { LiveStatus } from '../parts/live-status.tsx';
import { Empty, ProblemNotice, Skeleton } from '../parts/notices.tsx';
import { useNarrow } from '../parts/use-narrow.ts';
import { useKeys } from '../shell/keys.ts';
import { navigate, paths, useLocation } from '../shell/router.tsx';
import { useRole } from '../shell/session.ts';
import { BulkDialog, type BulkKind } from './bulk.tsx';
import { countsPath, type Filter, filterOf, isNarrowed } from './filter.ts';
import { InvocationTable, rowTop } from './table.tsx';
import { Chips, type Counts, SearchBar } from './toolbar.tsx';
import { type InvocationListState, useInvocations } from './use-invocations.ts';

/** The list of invocations, live: the start page. */
export function InvocationsPage() {
  const { query } = useLocation();
  const filter = filterOf(query);
  const [isPaused, setIsPaused] = useState(false);
  const [bulk, setBulk] = useState<BulkKind>();
  const role = useRole('admin');
  const [counts, readCounts] = useCounts(filter);
  const { loadMore, reload, showFresh: showFreshRows, ...list } = useInvocations(filter, isPaused, readCounts);
  const showFresh = (): void => {
    scrollTo(0, 0);
    if (list.hasGap) reload();
    else showFreshRows();
  };
  useKeys({ '.': showFresh, p: () => setIsPaused((paused) => !paused) });
  return (
    <div class="page">
      <div class="page-head">
        <h1>Invocations</h1>
        <LiveStatus live={list.live} isPaused={isPaused} onToggle={() => setIsPaused((paused) => !paused)} />
        <div class="spring" />
        <button type="button" class="button small" {...role} onClick={() => setBulk('redrive')}>
          <Icon name="redriven" size={14} /> Redrive in bulk…
        </button>
        <button type="button" class="button small" {...role} onClick={() => setBulk('cancel')}>
          <Icon name="failed" size={14} /> Cancel in bulk…
        </button>
      </div>
      <SearchBar filter={filter} />
      <Chips filter={filter} counts={counts} />
      <Listing key={JSON.stringify(filter)} list={list} filter={filter} loadMore={loadMore} reload={reload} showFresh={showFresh} />
      {bulk === undefined ? null : <BulkDialog kind={bulk} filter={filter} onClose={() => setBulk(undefined)} />}
    </div>
  );
}

type ListingProps = { list: InvocationListState; filter: Filter; loadMore: () => void; reload: () => void; showFresh: () => void };

function Listing({ list, filter, loadMore, reload, showFresh }: ListingProps) {
  const { rows, isLoading, hasMore, problem } = list;
  const { selected, dialog, close } = useSelection(rows);
  return (
    <>
      <FreshButton list={list} onShow={showFresh} />
      {problem === undefined ? null : <ProblemNotice problem={problem} onRetry={reload} />}
      {rows.length > 0 ? (
        <>
          <InvocationTable rows={rows} selected={selected} onEnd={() => (hasMore && !isLoading ? loadMore() : undefined)} />
          <p class="list-end">{hasMore || isLoading ? 'Loading more…' : endText(rows.length)}</p>
        </>
      ) : (
        <EmptyList list={list} filter={filter} />
      )}
      {dialog?.kind === 'redrive' ? <RedriveDialog id={dialog.id} onClose={close} /> : null}
      {dialog?.kind === 'cancel' ? <CancelDialog id={dialog.id} onClose={close} onDone={() => {}} /> : null}
    </>
  );
}

function endText(count: number): string {
  return count === 1 ? '1 invocation' : `All ${count.toLocaleString('en')} invocations are shown`;
}

function FreshButton({ list: { fresh, hasGap }, onShow }: { list: InvocationListState; onShow: () => void }) {
  if (fresh.length === 0) return null;
  return (
    <div class="fresh">
      <button type="button" class="button primary small" onClick={onShow} aria-label={`Show ${fresh.length} new invocations`}>
        <Icon name="up" size={14} /> {hasGap ? `${fresh.length}+` : fresh.length} new
      </button>
    </div>
  );
}

function EmptyList({ list: { isLoading, problem }, filter }: { list: InvocationListState; filter: Filter }) {
  if (isLoading) return <Skeleton lines={12} height={24} />;
  return problem === undefined ? <NoInvocations filter={filter} /> : null;
}

function useSelection(rows: readonly InvocationRow[]) {
  const isNarrow = useNarrow();
  // The id and not the index: new rows may be inserted before it.
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

/** Scrolls no further than needed to show the row below the sticky header. */
function revealRow(index: number, isNarrow: boolean): void {
  const body = document.querySelector('.table-body');
  if (body === null) return;
  const { top, height } = rowTop(index, isNarrow);
  const y = body.getBoundingClientRect().top + top;
  const headerHeight = 110;
  if (y < headerHeight) scrollBy({ top: y - headerHeight });
  else if (y + height > innerHeight - 12) scrollBy({ top: y + height - innerHeight + 12 });
}

/** The counts of the chips, and a function that reads them again: at most once in two seconds. */
function useCounts(filter: Filter): [Counts | undefined, () => void] {
  const key = countsPath({ ...filter, since: '' }) + (filter.since ?? '');
  const [counts, setCounts] = useState<{ key: string; counts: Counts }>();
  const state = useRef({ filter, key, readAt: 0, timer: undefined as ReturnType<typeof setTimeout> | undefined });
  Object.assign(state.current, { filter, key });
  const read = async (): Promise<void> => {
    const { current } = state;
    current.timer = undefined;
    current.readAt = Date.now();
    const requestedKey = current.key;
    try {
      const found = await get<Counts>(countsPath(current.filter));
      if (current.key === requestedKey) setCounts({ key: requestedKey, counts: found });
    } catch {
      // The request of the list fails likewise and shows the reason.
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
        title="No matching invocations"
        icon="search"
        command={`npx sequent ls${filter.function === undefined ? '' : ` ${filter.function}`} --since 1h`}
      >
        <p>No invocation matches all filters. A search finds words of the payload and of the error.</p>
        <button type="button" class="button" onClick={() => navigate(paths.invocations)}>
          Show all
        </button>
      </Empty>
    );
  return (
    <Empty title="No invocations yet" icon="running" command={`npx sequent invoke hello -d '{"name":"Ada"}'`}>
      <p>An invocation appears here as soon as it is accepted.</p>
    </Empty>
  );
}
