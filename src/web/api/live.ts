import { factTypes } from '#machines/fact-types.ts';
import type { Fact } from '#machines/facts.ts';
import { checkSession } from './http.ts';

/** A transition as the streams tell it. `place` is its place among those of one message of the log. */
type LiveTransition = { sequence: number; place: number; by: string; fact: Fact };
export type LiveState = 'connecting' | 'live' | 'lost';

export type LiveOptions = {
  /** Where the stream begins, and resumes: behind the last message that came whole. */
  url: (after: number | undefined) => string;
  after?: number;
  onTransition: (transition: LiveTransition) => void;
  onState: (state: LiveState) => void;
};

const LONGEST_PAUSE_IN_MS = 4_000;

/**
 * Follows a stream of transitions until it is closed.
 *
 * A hidden page lets go of its connection, since a browser grants six to one host, and resumes when it is looked at. Only the
 * last fact of a message has an id, so what broke off within a message comes again with all of it, under the same places.
 */
export function followLive({ url, after: start, onTransition, onState }: LiveOptions): () => void {
  let source: EventSource | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let pauseInMs = 500;
  let after = start;
  let current = { sequence: -1, place: 0 };
  let isClosed = false;

  function receive(event: MessageEvent<string>): void {
    let told: { sequence: number; by: string; fact: Fact };
    try {
      told = JSON.parse(event.data) as typeof told;
    } catch {
      return;
    }
    current = { sequence: told.sequence, place: current.sequence === told.sequence ? current.place + 1 : 0 };
    onTransition({ ...told, place: current.place });
    if (event.lastEventId !== '') after = Number(event.lastEventId);
  }

  function open(): void {
    if (isClosed || document.hidden || source !== undefined) return;
    onState('connecting');
    const opened = new EventSource(url(after));
    source = opened;
    opened.onopen = () => {
      pauseInMs = 500;
      current = { sequence: -1, place: 0 };
      onState('live');
    };
    for (const type of factTypes) opened.addEventListener(type, receive);
    // The browser would retry by itself, but gives up on any answer that is not a stream: so it is done here.
    opened.onerror = () => {
      if (opened.readyState === EventSource.CLOSED) void checkSession();
      letGo();
      if (isClosed) return;
      onState('lost');
      timer = setTimeout(open, pauseInMs);
      pauseInMs = Math.min(pauseInMs * 2, LONGEST_PAUSE_IN_MS);
    };
  }
  function letGo(): void {
    clearTimeout(timer);
    source?.close();
    source = undefined;
  }
  const look = (): void => (document.hidden ? letGo() : open());

  document.addEventListener('visibilitychange', look);
  open();
  return () => {
    isClosed = true;
    document.removeEventListener('visibilitychange', look);
    letGo();
  };
}
