import { type Dispatch, type StateUpdater, useCallback, useEffect, useRef, useState } from 'preact/hooks';
import type { InvocationRow } from '#src/gateway/api/invocations/invocation-schemas.ts';
import { type ApiError, get } from '../api/http.ts';
import { problemOf } from '../shell/use-fetch.ts';
import { type Filter, listPath, type Presentation } from './filter.ts';
import { appendPage, applyFacts, insertFresh, type OwnedFact, reconcile } from './rows.ts';
import { type ListStreamState, useListStream } from './use-list-stream.ts';

type Page = { invocations: InvocationRow[]; next_cursor?: string };

const PAGE_SIZE = 200;
const HEAD_SIZE = 100;

export type InvocationListState = {
  rows: readonly InvocationRow[];
  /** New rows that are not shown yet: they are inserted on request, so that rows do not move while they are read. */
  fresh: readonly InvocationRow[];
  hasGap: boolean;
  isLoading: boolean;
  hasMore: boolean;
  problem: ApiError | undefined;
  live: ListStreamState;
};
const initialState: InvocationListState = {
  rows: [],
  fresh: [],
  hasGap: false,
  isLoading: true,
  hasMore: false,
  problem: undefined,
  live: 'connecting',
};

/** What the pages of the list contain, in addition to the filter. */
type ListView = Presentation & { include?: 'payload' };
type ListOptions = { filter: Filter; view: ListView; isPaused: boolean; onChange: () => void };

/**
 * The invocations that match a filter: the pages loaded so far, kept up to date.
 *
 * The live stream updates rows in place and triggers refreshes. Only the list endpoint decides which rows exist, so an interrupted
 * stream neither loses nor duplicates a row.
 */
export function useInvocations({ filter, view, isPaused, onChange }: ListOptions) {
  const [list, setList] = useState<InvocationListState>(initialState);
  const { load, refresh } = useListRequests({ filter, view, isPaused, onChange, setList });

  const apply = useCallback((facts: readonly OwnedFact[]) => {
    setList((present) => ({ ...present, rows: applyFacts(present.rows, facts) }));
  }, []);
  useListStream({
    name: filter.function,
    isPaused,
    refresh,
    apply,
    onState: (live) => setList((present) => ({ ...present, live })),
  });

  const loadMore = useCallback(() => void load(false), [load]);
  const reload = useCallback(() => void load(true), [load]);
  const showFresh = useCallback(() => {
    setList((present) => (present.hasGap ? present : { ...present, rows: insertFresh(present.rows, present.fresh), fresh: [] }));
  }, []);
  return { ...list, loadMore, reload, showFresh };
}

type Requests = ListOptions & { setList: Dispatch<StateUpdater<InvocationListState>> };

/** The requests of the list. An answer that arrives after the filter has changed is ignored, and so is a refresh of a paused list. */
function useListRequests({ filter, view, isPaused, onChange, setList }: Requests) {
  const key = JSON.stringify([filter, view]);
  const latest = useRef({ key, filter, view, isPaused, cursor: undefined as string | undefined, isLoading: false, onChange });
  Object.assign(latest.current, { key, filter, view, isPaused, onChange });

  /** Loads the first page, or the page after the last one. */
  const load = useCallback(async (isFirst: boolean) => {
    const { current } = latest;
    const requestedKey = current.key;
    if (current.isLoading && !isFirst) return;
    current.isLoading = true;
    setList((present) => ({ ...present, isLoading: true }));
    const { page, problem } = await readPage(current.filter, {
      ...current.view,
      limit: PAGE_SIZE,
      cursor: isFirst ? undefined : current.cursor,
    });
    if (current.key !== requestedKey) return;
    current.isLoading = false;
    if (page === undefined) return setList((present) => ({ ...present, isLoading: false, hasMore: false, problem }));
    current.cursor = page.next_cursor;
    setList((present) => withPage(present, page, isFirst));
  }, []);

  /** Reads the head of the list, and updates rows and counts. */
  const refresh = useCallback(async () => {
    const { current } = latest;
    const requestedKey = current.key;
    const { page } = await readPage(current.filter, { ...current.view, limit: HEAD_SIZE });
    // Without an answer the live stream is lost as well. The next refresh reads what this one missed.
    if (page === undefined || current.key !== requestedKey || current.isPaused) return;
    setList((present) => withHead(present, page.invocations));
    current.onChange();
  }, []);

  useEffect(() => {
    latest.current.cursor = undefined;
    setList((present) => ({ ...initialState, live: present.live }));
    void load(true);
  }, [key, load]);
  return { load, refresh };
}

async function readPage(filter: Filter, page: Parameters<typeof listPath>[1]): Promise<{ page?: Page; problem: ApiError | undefined }> {
  try {
    return { page: await get<Page>(listPath(filter, page)), problem: undefined };
  } catch (thrown) {
    return { problem: problemOf(thrown) };
  }
}

function withPage(list: InvocationListState, page: Page, isFirst: boolean): InvocationListState {
  return {
    ...list,
    rows: isFirst ? page.invocations : appendPage(list.rows, page.invocations),
    ...(isFirst ? { fresh: [], hasGap: false } : {}),
    isLoading: false,
    hasMore: page.next_cursor !== undefined,
    problem: undefined,
  };
}

function withHead(list: InvocationListState, head: readonly InvocationRow[]): InvocationListState {
  // Rows of an empty list are shown at once, because no shown row can move.
  return { ...list, ...(list.rows.length === 0 ? { rows: head } : reconcile(list.rows, head)), problem: undefined };
}
