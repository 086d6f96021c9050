import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import type { EventView, InvocationView } from '#src/gateway/api/schemas/invocations.ts';
import { type ApiError, get } from '../api/http.ts';
import { followLive, type LiveState } from '../api/live.ts';
import { problemOf } from '../shell/asked.ts';

/** An event with the name that the address gives it: the sequence of its message, and its place there when it is not the first. */
export type NamedEvent = EventView & { name: string };
export type Told = { view: InvocationView; events: readonly NamedEvent[] };
type Answer = { told: Told | undefined; problem: ApiError | undefined; live: LiveState | 'paused' | 'over' };

const SOON_MS = 60;
/** What could not be read may be there soon; and what somebody asks for after the end is told by no stream. */
const LOOK_AGAIN_EVERY_MS = 4_000;

/** One invocation with its events, read from the gateway whenever the live stream says that something happened. */
export function useInvocation(id: string, isPaused: boolean) {
  const [answer, setAnswer] = useState<Answer>({ told: undefined, problem: undefined, live: 'connecting' });
  const reading = useRef({ isReading: false, isStale: false });
  const known = useRef(-1);
  const path = `/api/invocations/${encodeURIComponent(id)}`;

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
        const { events, ...view } = await get<InvocationView & { events: EventView[] }>(`${path}?include=events`);
        known.current = view.last_sequence;
        setAnswer((present) => ({ ...present, told: { view, events: named(events) }, problem: undefined }));
      } while (current.isStale);
    } catch (thrown) {
      setAnswer((present) => ({ ...present, problem: problemOf(thrown) }));
    }
    current.isReading = false;
  }, [path]);

  const isThere = answer.told !== undefined;
  const isOver = answer.told?.view.state === 'notified';
  useEffect(() => {
    void read();
  }, [read]);
  useEffect(() => {
    const tell = (live: Answer['live']): void => setAnswer((present) => ({ ...present, live }));
    if (isPaused) return tell('paused');
    if (!isThere) return every(LOOK_AGAIN_EVERY_MS, read);
    if (isOver) {
      tell('over');
      return every(LOOK_AGAIN_EVERY_MS, async () => {
        const { last_sequence } = await get<InvocationView>(path).catch(() => ({ last_sequence: known.current }));
        if (last_sequence !== known.current) await read();
      });
    }
    let timer: ReturnType<typeof setTimeout> | undefined;
    let wasLost = false;
    const readSoon = (): void => {
      timer ??= setTimeout(() => {
        timer = undefined;
        void read();
      }, SOON_MS);
    };
    const close = followLive({
      url: () => `${path}/events/stream`,
      // The stream begins with what is shown already.
      onTransition: ({ sequence }) => (sequence > known.current ? readSoon() : undefined),
      onState: (state) => {
        tell(state);
        if (state === 'connecting') return;
        // It may have ended while nobody listened: then there is no stream to come back to.
        if (state === 'lost' || wasLost) readSoon();
        wasLost = state === 'lost';
      },
    });
    return () => {
      close();
      clearTimeout(timer);
    };
  }, [path, read, isThere, isOver, isPaused]);
  return { ...answer, read };
}

/** Looks as long as somebody else can. */
function every(ms: number, look: () => Promise<void>): () => void {
  const timer = setInterval(() => {
    if (!document.hidden) void look();
  }, ms);
  return () => clearInterval(timer);
}

function named(events: readonly EventView[]): NamedEvent[] {
  const places = new Map<number, number>();
  return events.map((event) => {
    const place = places.get(event.sequence) ?? 0;
    places.set(event.sequence, place + 1);
    return { ...event, name: place === 0 ? String(event.sequence) : `${event.sequence}.${place}` };
  });
}
