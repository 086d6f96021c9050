import { factTypes } from '#machines/fact-types.ts';
import type { Fact } from '#machines/facts.ts';
import { checkSession } from './http.ts';

/**
 * A transition as the event streams send it. `index` counts the facts of one message of the log, from 0. The stream of one invocation does
 * not name its function.
 */
type LiveTransition = { sequence: number; index: number; by: string; fact: Fact; function?: string };
export type LiveState = 'connecting' | 'live' | 'lost';

export type LiveOptions = {
  /** The address of the stream. `after` is the sequence of the last message that was received completely. */
  url: (after: number | undefined) => string;
  after?: number;
  onTransition: (transition: LiveTransition) => void;
  onState: (state: LiveState) => void;
};

const MAX_PAUSE_IN_MS = 4_000;

/**
 * Follows a stream of transitions until the returned function is called.
 *
 * A hidden page closes its connection, because a browser allows six connections per host. The stream resumes when the page is
 * visible again. Only the last fact of a message carries an event id. A message that was cut off is therefore sent again from its
 * first fact, and its facts get the same indexes.
 */
export function followLive({ url, after: start, onTransition, onState }: LiveOptions): () => void {
  let source: EventSource | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let pauseInMs = 500;
  let after = start;
  let last = { sequence: -1, index: 0 };
  let isClosed = false;

  function receive(event: MessageEvent<string>): void {
    let message: Omit<LiveTransition, 'index'>;
    try {
      message = JSON.parse(event.data) as typeof message;
    } catch {
      return;
    }
    last = { sequence: message.sequence, index: last.sequence === message.sequence ? last.index + 1 : 0 };
    onTransition({ ...message, index: last.index });
    if (event.lastEventId !== '') after = Number(event.lastEventId);
  }

  function open(): void {
    if (isClosed || document.hidden || source !== undefined) return;
    onState('connecting');
    const opened = new EventSource(url(after));
    source = opened;
    opened.onopen = () => {
      pauseInMs = 500;
      last = { sequence: -1, index: 0 };
      onState('live');
    };
    for (const type of factTypes) opened.addEventListener(type, receive);
    // EventSource stops retrying after any answer that is not a stream, so this function reconnects itself.
    opened.onerror = () => {
      if (opened.readyState === EventSource.CLOSED) void checkSession();
      disconnect();
      if (isClosed) return;
      onState('lost');
      timer = setTimeout(open, pauseInMs);
      pauseInMs = Math.min(pauseInMs * 2, MAX_PAUSE_IN_MS);
    };
  }
  function disconnect(): void {
    clearTimeout(timer);
    source?.close();
    source = undefined;
  }
  const onVisibilityChange = (): void => (document.hidden ? disconnect() : open());

  document.addEventListener('visibilitychange', onVisibilityChange);
  open();
  return () => {
    isClosed = true;
    document.removeEventListener('visibilitychange', onVisibilityChange);
    disconnect();
  };
}
