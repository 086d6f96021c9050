import { useEffect, useRef } from 'preact/hooks';
import { withQuery } from '../api/http.ts';
import { followLive, type LiveState } from '../api/live.ts';
import type { OwnedFact } from './rows.ts';

/** Above this rate the list polls instead of applying single transitions, which a person could not follow. */
const MAX_PER_SECOND = 300;
const REFRESH_AFTER_MS = 1_000;
const POLL_EVERY_MS = 2 * REFRESH_AFTER_MS;
const POLL_FOR_MS = 10_000;
const APPLY_AFTER_MS = 100;

export type ListStreamState = LiveState | 'paused' | 'busy';

type ListStreamOptions = {
  /** Follow only this function. */
  name: string | undefined;
  isPaused: boolean;
  /** Reads the head of the list. */
  refresh: () => Promise<void>;
  apply: (facts: readonly OwnedFact[]) => void;
  onState: (state: ListStreamState) => void;
};
type Callbacks = Pick<ListStreamOptions, 'refresh' | 'apply' | 'onState'>;

/**
 * Follows the live stream for the list of invocations.
 *
 * Facts are applied in batches, and each of them causes a refresh soon after. Above `MAX_PER_SECOND` the stream is closed, and the
 * list is refreshed periodically for `POLL_FOR_MS`.
 */
export function useListStream({ name, isPaused, ...callbacks }: ListStreamOptions): void {
  const latest = useRef<Callbacks>(callbacks);
  latest.current = callbacks;
  useEffect(() => {
    if (isPaused) {
      latest.current.onState('paused');
      return;
    }
    return followList(name, {
      refresh: () => latest.current.refresh(),
      apply: (facts) => latest.current.apply(facts),
      onState: (state) => latest.current.onState(state),
    });
  }, [name, isPaused]);
}

function followList(name: string | undefined, { refresh, apply, onState }: Callbacks): () => void {
  let facts: OwnedFact[] = [];
  let applyTimer: ReturnType<typeof setTimeout> | undefined;
  let refreshTimer: ReturnType<typeof setTimeout> | undefined;
  let pollTimer: ReturnType<typeof setInterval> | undefined;
  let pollEndTimer: ReturnType<typeof setTimeout> | undefined;
  let close = (): void => {};

  function applyFacts(): void {
    applyTimer = undefined;
    const batch = facts;
    facts = [];
    apply(batch);
  }
  function refreshSoon(): void {
    refreshTimer ??= setTimeout(() => {
      // A fact that arrives before the answer may be missing in the answer, so it causes a further refresh.
      refreshTimer = undefined;
      void refresh();
    }, REFRESH_AFTER_MS);
  }
  function poll(): void {
    close();
    onState('busy');
    pollTimer = setInterval(() => void refresh(), POLL_EVERY_MS);
    pollEndTimer = setTimeout(() => {
      clearInterval(pollTimer);
      open();
    }, POLL_FOR_MS);
  }
  function open(): void {
    let since = Date.now();
    let count = 0;
    close = followLive({
      url: (after) => withQuery('/api/transitions', { function: name, from: after === undefined ? undefined : after + 1 }),
      onTransition: ({ fact, function: owner = '' }) => {
        if (Date.now() - since > 1_000) {
          since = Date.now();
          count = 0;
        }
        if (++count > MAX_PER_SECOND) return poll();
        facts.push({ fact, function: owner });
        applyTimer ??= setTimeout(applyFacts, APPLY_AFTER_MS);
        refreshSoon();
      },
      onState: (state) => {
        onState(state);
        if (state !== 'live') return;
        void refresh();
        // The read model may lag behind the stream, which begins after the newest fact.
        refreshSoon();
      },
    });
  }

  open();
  return () => {
    close();
    for (const timer of [applyTimer, refreshTimer, pollEndTimer]) clearTimeout(timer);
    clearInterval(pollTimer);
  };
}
