import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import type { Fact } from '#machines/facts.ts';
import type { InvocationRow } from '#src/gateway/api/schemas/invocations.ts';
import { type ApiError, get } from '../api/http.ts';
import { problemOf } from '../shell/use-fetch.ts';
import { type Filter, listPath } from './filter.ts';
import { appendPage, applyFacts, insertFresh, reconcile } from './rows.ts';
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

/**
 * The invocations that match a filter: the pages loaded so far, kept up to date.
 *
 * The live stream updates rows in place and triggers refreshes. Only the list endpoint decides which rows exist, so an interrupted
 * stream neither loses nor duplicates a row.
 */
export function useInvocations(filter: Filter, isPaused: boolean, onChange: () => void) {
  const key = JSON.stringify(filter);
  const [list, setList] = useState<InvocationListState>(initialState);
  const latest = useRef({ key, filter, cursor: undefined as string | undefined, isLoading: false, onChange });
  Object.assign(latest.current, { key, filter, onChange });

  const load = useCallback(async (isFirst: boolean) => {
    const { current } = latest;
    const requestedKey = current.key;
    if (current.isLoading && !isFirst) return;
    current.isLoading = true;
    setList((present) => ({ ...present, isLoading: true }));
    try {
      const page = await get<Page>(listPath(current.filter, { limit: PAGE_SIZE, cursor: isFirst ? undefined : current.cursor }));
      if (current.key !== requestedKey) return;
      current.cursor = page.next_cursor;
      setList((present) => ({
        ...present,
        rows: isFirst ? page.invocations : appendPage(present.rows, page.invocations),
        ...(isFirst ? { fresh: [], hasGap: false } : {}),
        isLoading: false,
        hasMore: page.next_cursor !== undefined,
        problem: undefined,
      }));
    } catch (thrown) {
      if (current.key === requestedKey)
        setList((present) => ({ ...present, isLoading: false, hasMore: false, problem: problemOf(thrown) }));
    } finally {
      if (current.key === requestedKey) current.isLoading = false;
    }
  }, []);

  const refresh = useCallback(async () => {
    const requestedKey = latest.current.key;
    try {
      const { invocations } = await get<Page>(listPath(latest.current.filter, { limit: HEAD_SIZE }));
      if (latest.current.key !== requestedKey) return;
      // Rows of an empty list are shown at once: no row can move.
      setList((present) => ({
        ...present,
        ...(present.rows.length === 0 ? { rows: invocations } : reconcile(present.rows, invocations)),
        problem: undefined,
      }));
      latest.current.onChange();
    } catch {
      // The state of the live stream shows that the connection is lost. The next refresh reads what this one missed.
    }
  }, []);

  useEffect(() => {
    latest.current.cursor = undefined;
    setList((present) => ({ ...initialState, live: present.live }));
    void load(true);
  }, [key, load]);

  const apply = useCallback((facts: readonly Fact[]) => {
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
