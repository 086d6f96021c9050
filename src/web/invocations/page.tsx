import { useEffect, useRef, useState } from 'preact/hooks';
import type { InvocationRow } from '#src/gateway/api/invocations/invocation-schemas.ts';
import { get } from '../api/http.ts';
import type { InvocationName } from '../api/invocation-path.ts';
import { CancelDialog, RedriveDialog } from '../invocation/actions.tsx';
import { useNarrow } from '../parts/hooks/use-narrow.ts';
import { Icon } from '../parts/icon.tsx';
import { LiveStatus } from '../parts/live-status.tsx';
import { Empty, ProblemNotice, Skeleton } from '../parts/notices.tsx';
import { formatExactTime } from '../parts/time.tsx';
import { useKeys } from '../shell/keys.ts';
import { t, tn } from '../shell/language.ts';
import { lazyComponent } from '../shell/lazy.tsx';
import { changeQuery, navigate, paths, useLocation } from '../shell/router.tsx';
import { zone } from '../shell/settings.ts';
import { useStore } from '../shell/store.ts';
import { BulkButtons, type BulkKind, type BulkTarget, SelectionBar } from './bulk-target.tsx';
import { chosenColumns } from './columns.tsx';
import { countsPath, type Filter, filterOf, isNarrowed, type Presentation, presentationOf } from './filter.ts';
import { type RowSelection, useRowSelection } from './row-selection.ts';
import { keyOf } from './rows.ts';
import { InvocationTable, rowTop } from './table.tsx';
import { Chips, type Counts, type ListDialogKind, SearchBar } from './toolbar.tsx';
import { type InvocationListState, useInvocations } from './use-invocations.ts';

const BulkDialog = lazyComponent(async () => (await import('./bulk.tsx')).BulkDialog);
const ListDialog = lazyComponent(async () => (await import('./list-dialogs.tsx')).ListDialog);

/** The list of invocations: the start page. It is live unless it is sorted, or shows an earlier moment. */
export function InvocationsPage() {
  const { query } = useLocation();
  const filter = filterOf(query);
  const presentation = presentationOf(query);
  const isStill = presentation.sort !== undefined || presentation.at !== undefined;
  const [isPaused, setIsPaused] = useState(false);
  const [bulk, setBulk] = useState<{ kind: BulkKind; target: BulkTarget }>();
  const [dialog, setDialog] = useState<ListDialogKind>();
  const [counts, readCounts] = useCounts(filter, presentation);
  const hasPayloads = useStore(chosenColumns).includes('payload');
  const view = { ...presentation, ...(hasPayloads ? { include: 'payload' as const } : {}) };
  const {
    loadMore,
    reload,
    showFresh: showFreshRows,
    ...list
  } = useInvocations({ filter, view, isPaused: isPaused || isStill, onChange: readCounts });
  const showFresh = (): void => {
    scrollTo(0, 0);
    if (list.hasGap) reload();
    else showFreshRows();
  };
  const key = JSON.stringify([filter, view]);
  const pause = (): void => setIsPaused((paused) => !paused);
  useKeys({ '.': showFresh, p: pause });
  return (
    <div class="page">
      <div class="page-head">
        <h1>{t('Invocations')}</h1>
        {isStill ? (
          <button
            type="button"
            class="button quiet small"
            onClick={reload}
            title={t('A sorted or an earlier list does not change by itself')}
          >
            <Icon name="retrying" size={14} /> {t('Reload')}
          </button>
        ) : (
          <LiveStatus live={list.live} isPaused={isPaused} onToggle={pause} />
        )}
        <div class="spring" />
        <button type="button" class="button quiet small" onClick={() => setDialog('columns')}>
          {t('Columns…')}
        </button>
        <button type="button" class="button quiet small" onClick={() => setDialog('views')}>
          {t('Views…')}
        </button>
        {presentation.at === undefined ? (
          <BulkButtons onBulk={(kind) => setBulk({ kind, target: { filter } })} onPurge={() => setDialog('purge')} />
        ) : null}
      </div>
      <SearchBar filter={filter} presentation={presentation} onDialog={setDialog} />
      <Chips filter={filter} counts={counts} />
      {presentation.at === undefined ? null : <AsOfNotice at={presentation.at} />}
      <Listing
        key={key}
        {...{ list, filter, presentation, loadMore, reload, showFresh }}
        onBulk={(kind, selection) => setBulk({ kind, target: { filter, chosen: selection.chosen, onDone: selection.clear } })}
      />
      {bulk === undefined ? null : <BulkDialog {...bulk} onClose={() => setBulk(undefined)} />}
      {dialog === undefined ? null : <ListDialog kind={dialog} onClose={() => setDialog(undefined)} />}
    </div>
  );
}

/** Says that the list shows an earlier moment. */
function AsOfNotice({ at }: { at: string }) {
  const timeZone = useStore(zone);
  const text = /^\d+$/.test(at)
    ? t('The list as it was behind sequence {sequence} of the log.', { sequence: at })
    : t('The list as it was at {time}.', { time: formatExactTime(Date.parse(at), timeZone) });
  return (
    <p class="as-of" role="status">
      <Icon name="clock" size={14} /> {text}
      <button type="button" class="button small" onClick={() => changeQuery({ at: undefined }, { replace: false })}>
        {t('Back to now')}
      </button>
    </p>
  );
}

type ListingProps = {
  list: InvocationListState;
  filter: Filter;
  presentation: Presentation;
  loadMore: () => void;
  reload: () => void;
  showFresh: () => void;
  onBulk: (kind: BulkKind, selection: RowSelection) => void;
};

function Listing({ list, filter, presentation: { sort, at }, loadMore, reload, showFresh, onBulk }: ListingProps) {
  const { rows, isLoading, hasMore, problem } = list;
  const selection = useRowSelection();
  const { selected, dialog, close } = useSelection(rows, selection);
  return (
    <>
      <FreshButton list={list} onShow={showFresh} />
      {problem === undefined ? null : <ProblemNotice problem={problem} onRetry={reload} />}
      {rows.length > 0 ? (
        <>
          <InvocationTable {...{ rows, selected, selection, sort }} onEnd={() => (hasMore && !isLoading ? loadMore() : undefined)} />
          <p class="list-end">{hasMore || isLoading ? t('Loading more…') : endText(rows.length)}</p>
        </>
      ) : (
        <EmptyList list={list} filter={filter} />
      )}
      {selection.size > 0 ? (
        <SelectionBar selection={selection} canChange={at === undefined} onBulk={(kind) => onBulk(kind, selection)} />
      ) : null}
      {dialog?.kind === 'redrive' ? <RedriveDialog name={dialog.name} onClose={close} /> : null}
      {dialog?.kind === 'cancel' ? <CancelDialog name={dialog.name} onClose={close} onDone={() => {}} /> : null}
    </>
  );
}

function endText(count: number): string {
  return tn(count, ['1 invocation', 'All {count} invocations are shown']);
}

function FreshButton({ list: { fresh, hasGap }, onShow }: { list: InvocationListState; onShow: () => void }) {
  if (fresh.length === 0) return null;
  return (
    <div class="fresh">
      <button
        type="button"
        class="button primary small"
        onClick={onShow}
        aria-label={t('Show {count} new invocations', { count: fresh.length })}
      >
        <Icon name="up" size={14} /> {t('{count} new', { count: hasGap ? `${fresh.length}+` : fresh.length })}
      </button>
    </div>
  );
}

function EmptyList({ list: { isLoading, problem }, filter }: { list: InvocationListState; filter: Filter }) {
  if (isLoading) return <Skeleton lines={12} height={24} />;
  return problem === undefined ? <NoInvocations filter={filter} /> : null;
}

function useSelection(rows: readonly InvocationRow[], selection: RowSelection) {
  const isNarrow = useNarrow();
  // The key and not the index: new rows may be inserted before it.
  const [selectedKey, setSelectedKey] = useState<string>();
  const [dialog, setDialog] = useState<{ kind: 'redrive' | 'cancel'; name: InvocationName }>();
  const selected = selectedKey === undefined ? -1 : rows.findIndex((row) => keyOf(row) === selectedKey);
  const selectedRow = rows[selected];
  const select = (index: number): void => {
    const row = rows[Math.max(0, Math.min(rows.length - 1, index))];
    if (row === undefined) return;
    setSelectedKey(keyOf(row));
    revealRow(rows.indexOf(row), isNarrow);
  };
  const withSelected = (kind: 'redrive' | 'cancel') => () => {
    if (selectedRow !== undefined) setDialog({ kind, name: { id: selectedRow.request_id, function: selectedRow.function } });
  };
  useKeys({
    j: () => select(selected + 1),
    k: () => select(selected - 1),
    ...(selectedRow === undefined
      ? {}
      : {
          Enter: () => navigate(paths.invocation(selectedRow.request_id, selectedRow.function)),
          Escape: () => setSelectedKey(undefined),
          x: () => selection.toggle(rows, selected, false),
        }),
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
function useCounts(filter: Filter, presentation: Presentation): [Counts | undefined, () => void] {
  const key = countsPath({ ...filter, since: '' }, presentation) + (filter.since ?? '');
  const [counts, setCounts] = useState<{ key: string; counts: Counts }>();
  const state = useRef({ filter, presentation, key, readAt: 0, timer: undefined as ReturnType<typeof setTimeout> | undefined });
  Object.assign(state.current, { filter, presentation, key });
  const read = async (): Promise<void> => {
    const { current } = state;
    current.timer = undefined;
    current.readAt = Date.now();
    const requestedKey = current.key;
    try {
      const found = await get<Counts>(countsPath(current.filter, current.presentation));
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
        title={t('No matching invocations')}
        icon="search"
        command={`sequent ls${filter.function === undefined ? '' : ` ${filter.function}`} --since 1h`}
      >
        <p>{t('No invocation matches all filters. A search finds words of the payload and of the error.')}</p>
        <button type="button" class="button" onClick={() => navigate(paths.invocations)}>
          {t('Show all')}
        </button>
      </Empty>
    );
  return (
    <Empty title={t('No invocations yet')} icon="running" command={`sequent invoke hello -d '{"name":"Ada"}'`}>
      <p>{t('An invocation appears here as soon as it is accepted.')}</p>
    </Empty>
  );
}
