import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import type { EventView, InvocationView } from '#src/gateway/api/invocations/invocation-schemas.ts';
import { type ApiError, get } from '../api/http.ts';
import { type InvocationName, invocationPath } from '../api/invocation-path.ts';
import { followLive, type LiveState } from '../api/live.ts';
import { problemOf } from '../shell/use-fetch.ts';
import { type NamedEvent, withNames } from './named-events.ts';

export type LoadedInvocation = { view: InvocationView; events: readonly NamedEvent[] };
type Live = LiveState | 'paused' | 'over';
type InvocationState = { loaded: LoadedInvocation | undefined; problem: ApiError | undefined; live: Live };

const READ_AFTER_MS = 60;
/** How often an invocation is read that has no live stream: one that could not be read, or one that has ended. */
const POLL_EVERY_MS = 4_000;

/** An invocation with its events. It is read from the gateway after every transition that the live stream reports. */
export function useInvocation({ id, function: owner }: InvocationName, isPaused: boolean) {
  const [state, setState] = useState<InvocationState>({ loaded: undefined, problem: undefined, live: 'connecting' });
  const reading = useRef({ isReading: false, isStale: false });
  const shownSequence = useRef(-1);
  const pathOf = useCallback(
    (part?: string, query?: Record<string, string>) => invocationPath({ id, function: owner }, part, query),
    [id, owner],
  );

  const read = useCallback(async (): Promise<void> => {
    const { current } = reading;
    if (current.isReading) {
      current.isStale = true;
      return;
    }
    current.isReading = true;
    try {
      do {
        current.isStale = false;
        const { events, ...view } = await get<InvocationView & { events: EventView[] }>(pathOf('', { include: 'events' }));
        shownSequence.current = view.last_sequence;
        setState((present) => ({ ...present, loaded: { view, events: withNames(events) }, problem: undefined }));
      } while (current.isStale);
    } catch (thrown) {
      setState((present) => ({ ...present, problem: problemOf(thrown) }));
    }
    current.isReading = false;
  }, [pathOf]);

  useEffect(() => {
    void read();
  }, [read]);
  const setLive = useCallback((live: Live): void => setState((present) => ({ ...present, live })), []);
  const isSettled = state.loaded === undefined ? undefined : state.loaded.view.state === 'notified';
  useUpdates({ pathOf, read, setLive, shownSequence, isSettled, isPaused });
  return { ...state, read };
}

type UpdateOptions = {
  pathOf: (part?: string) => string;
  read: () => Promise<void>;
  setLive: (live: Live) => void;
  /** The sequence of the last event that is shown. */
  shownSequence: { readonly current: number };
  /** `undefined` while the invocation is not loaded. */
  isSettled: boolean | undefined;
  isPaused: boolean;
};

/** Reads the invocation again when it may have changed: by the live stream while it is open, otherwise by polling. */
function useUpdates({ pathOf, read, setLive, shownSequence, isSettled, isPaused }: UpdateOptions): void {
  useEffect(() => {
    if (isPaused) return setLive('paused');
    if (isSettled === undefined) return pollEvery(POLL_EVERY_MS, read);
    if (!isSettled) return followEvents({ pathOf, read, setLive, shownSequence });
    setLive('over');
    return pollEvery(POLL_EVERY_MS, async () => {
      const { last_sequence } = await get<InvocationView>(pathOf()).catch(() => ({ last_sequence: shownSequence.current }));
      if (last_sequence !== shownSequence.current) await read();
    });
  }, [pathOf, read, isSettled, isPaused]);
}

function followEvents({ pathOf, read, setLive, shownSequence }: Pick<UpdateOptions, 'pathOf' | 'read' | 'setLive' | 'shownSequence'>) {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let wasLost = false;
  const readSoon = (): void => {
    timer ??= setTimeout(() => {
      timer = undefined;
      void read();
    }, READ_AFTER_MS);
  };
  const close = followLive({
    url: () => pathOf('/events/stream'),
    // The stream starts with the events that are shown already.
    onTransition: ({ sequence }) => (sequence > shownSequence.current ? readSoon() : undefined),
    onState: (live) => {
      setLive(live);
      if (live === 'connecting') return;
      // The invocation may have ended meanwhile. There is no stream to reconnect to then, so it is read.
      if (live === 'lost' || wasLost) readSoon();
      wasLost = live === 'lost';
    },
  });
  return (): void => {
    close();
    clearTimeout(timer);
  };
}

/** Polls while the page is visible. Returns the function that stops it. */
function pollEvery(ms: number, read: () => Promise<void>): () => void {
  const timer = setInterval(() => {
    if (!document.hidden) void read();
  }, ms);
  return () => clearInterval(timer);
}
