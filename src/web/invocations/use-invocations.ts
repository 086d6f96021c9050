import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import type { Fact } from '#machines/facts.ts';
import type { InvocationRow } from '#src/gateway/api/schemas/invocations.ts';
import { type ApiError, get, withQuery } from '../api/http.ts';
import { followLive, type LiveState } from '../api/live.ts';
import { problemOf } from '../shell/asked.ts';
import { type Filter, listPath } from './filter.ts';
import { reconcile, withFact, withFresh } from './rows.ts';

type Page = { invocations: InvocationRow[]; next_cursor?: string };

const PAGE = 200;
const HEAD = 100;
/** Of more transitions a second than this the list is read now and then instead: nobody can follow them by eye. */
const MOST_A_SECOND = 300;
const LOOK_AGAIN_AFTER_MS = 1_000;
const BUSY_FOR_MS = 10_000;

export type Listed = {
  rows: readonly InvocationRow[];
  /** New ones that are not shown yet, so that nothing moves under the reader. */
  fresh: readonly InvocationRow[];
  hasGap: boolean;
  isAsking: boolean;
  hasMore: boolean;
  problem: ApiError | undefined;
  live: LiveState | 'paused' | 'busy';
};
const nothing: Listed = { rows: [], fresh: [], hasGap: false, isAsking: true, hasMore: false, problem: undefined, live: 'connecting' };

/**
 * The invocations of a filter, as far as they were asked for, and kept up to date. The live stream changes rows where they stand
 * and says when to look; what there is, is told by the list alone, so that an interrupted stream loses and doubles nothing.
 */
export function useInvocations(filter: Filter, isPaused: boolean, onChange: () => void) {
  const key = JSON.stringify(filter);
  const [listed, setListed] = useState<Listed>(nothing);
  const state = useRef({ key, filter, cursor: undefined as string | undefined, isAsking: false, onChange });
  Object.assign(state.current, { key, filter, onChange });

  const ask = useCallback(async (isFirst: boolean) => {
    const { current } = state;
    const asked = current.key;
    if (current.isAsking && !isFirst) return;
    current.isAsking = true;
    setListed((present) => ({ ...present, isAsking: true }));
    try {
      const page = await get<Page>(listPath(current.filter, { limit: PAGE, cursor: isFirst ? undefined : current.cursor }));
      if (current.key !== asked) return;
      current.cursor = page.next_cursor;
      setListed((present) => ({
        ...present,
        rows: isFirst ? page.invocations : joined(present.rows, page.invocations),
        ...(isFirst ? { fresh: [], hasGap: false } : {}),
        isAsking: false,
        hasMore: page.next_cursor !== undefined,
        problem: undefined,
      }));
    } catch (thrown) {
      if (current.key === asked) setListed((present) => ({ ...present, isAsking: false, hasMore: false, problem: problemOf(thrown) }));
    } finally {
      if (current.key === asked) current.isAsking = false;
    }
  }, []);

  const look = useCallback(async () => {
    const asked = state.current.key;
    try {
      const { invocations } = await get<Page>(listPath(state.current.filter, { limit: HEAD }));
      if (state.current.key !== asked) return;
      setListed((present) => {
        const found = reconcile(present.rows, invocations);
        // An empty list has no reader whose place could be lost.
        if (present.rows.length === 0) return { ...present, rows: invocations, problem: undefined };
        return { ...present, ...found, problem: undefined };
      });
      state.current.onChange();
    } catch {
      // The live state says that something is wrong; the next look tells what was missed.
    }
  }, []);

  useEffect(() => {
    state.current.cursor = undefined;
    setListed((present) => ({ ...nothing, live: present.live }));
    void ask(true);
  }, [key, ask]);

  const apply = useCallback((facts: readonly Fact[]) => {
    setListed((present) => ({ ...present, rows: withFacts(present.rows, facts) }));
  }, []);
  useLive({ name: filter.function, isPaused, look, apply, onLive: (live) => setListed((present) => ({ ...present, live })) });

  const more = useCallback(() => void ask(false), [ask]);
  const again = useCallback(() => void ask(true), [ask]);
  const show = useCallback(() => {
    setListed((present) => (present.hasGap ? present : { ...present, rows: withFresh(present.rows, present.fresh), fresh: [] }));
  }, []);
  return { ...listed, more, again, show, look };
}

type LiveOptions = {
  name: string | undefined;
  isPaused: boolean;
  look: () => Promise<void>;
  apply: (facts: readonly Fact[]) => void;
  onLive: (live: Listed['live']) => void;
};

function useLive({ name, isPaused, look, apply, onLive }: LiveOptions): void {
  const told = useRef({ look, apply, onLive });
  told.current = { look, apply, onLive };
  useEffect(() => {
    if (isPaused) {
      told.current.onLive('paused');
      return;
    }
    let facts: Fact[] = [];
    let flushing: ReturnType<typeof setTimeout> | undefined;
    let looking: ReturnType<typeof setTimeout> | undefined;
    let resting: ReturnType<typeof setTimeout> | undefined;
    let looks: ReturnType<typeof setInterval> | undefined;
    let close = (): void => {};

    const lookSoon = (): void => {
      looking ??= setTimeout(async () => {
        await told.current.look();
        looking = undefined;
      }, LOOK_AGAIN_AFTER_MS);
    };
    const flush = (): void => {
      flushing = undefined;
      const batch = facts;
      facts = [];
      told.current.apply(batch);
    };
    const rest = (): void => {
      close();
      told.current.onLive('busy');
      looks = setInterval(() => void told.current.look(), LOOK_AGAIN_AFTER_MS * 2);
      resting = setTimeout(() => {
        clearInterval(looks);
        open();
      }, BUSY_FOR_MS);
    };
    function open(): void {
      let since = Date.now();
      let count = 0;
      close = followLive({
        url: (after) => withQuery('/api/transitions', { function: name, from: after === undefined ? undefined : after + 1 }),
        onTransition: ({ fact }) => {
          if (Date.now() - since > 1_000) {
            since = Date.now();
            count = 0;
          }
          if (++count > MOST_A_SECOND) return rest();
          facts.push(fact);
          flushing ??= setTimeout(flush, 100);
          lookSoon();
        },
        onState: (state) => {
          told.current.onLive(state);
          if (state === 'live') void told.current.look();
        },
      });
    }
    open();
    return () => {
      close();
      for (const timer of [flushing, looking, resting]) clearTimeout(timer);
      clearInterval(looks);
    };
  }, [name, isPaused]);
}

function withFacts(rows: readonly InvocationRow[], facts: readonly Fact[]): readonly InvocationRow[] {
  const byId = new Map<string, Fact[]>();
  for (const fact of facts) {
    const known = byId.get(fact.invocation);
    if (known === undefined) byId.set(fact.invocation, [fact]);
    else known.push(fact);
  }
  return rows.map((row) => (byId.get(row.request_id) ?? []).reduce(withFact, row));
}

/** The next page behind those that are shown; an invocation is never shown twice. */
function joined(shown: readonly InvocationRow[], more: readonly InvocationRow[]): InvocationRow[] {
  const known = new Set(shown.map(({ request_id }) => request_id));
  return [...shown, ...more.filter(({ request_id }) => !known.has(request_id))];
}
