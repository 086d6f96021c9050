import type { FullLogEntry } from '#src/core/log/event-log.ts';
import type { Clock } from '#src/core/ports/clock.ts';

type OnMessage = (message: FullLogEntry) => void;

/** Messages in one total order. A sequence is used twice only after a loss. */
export interface MessageList {
  /** The present messages, in order. */
  readonly all: readonly FullLogEntry[];
  readonly last: number;
  /** Stores a message; returns its sequence. */
  store(make: (sequence: number, at: number) => FullLogEntry): number;
  at(sequence: number): FullLogEntry | undefined;
  /** The first message at or after a sequence. */
  firstFrom(sequence: number): FullLogEntry | undefined;
  /** Delivers all messages from a sequence on, in order, until the signal aborts. From the first one when the list ends before it. */
  follow(from: number, onMessage: OnMessage, signal: AbortSignal): Promise<void>;
  /** Removes all messages before a sequence; returns the others. */
  purge(before: number): readonly FullLogEntry[];
  /** Removes all messages from a sequence on; returns the others. Followers that read further get all messages again. */
  loseFrom(sequence: number): readonly FullLogEntry[];
}

type Follower = { next: number; onMessage: OnMessage; isScheduled: boolean };

/** Runs a delivery later, never in the call that caused it. */
export type Defer = (deliver: () => void) => void;

type MessageListOptions = {
  defer?: Defer | undefined;
  /** Whether every sequence has a message. */
  isDense: boolean;
};

export function createMessageList({ now }: Pick<Clock, 'now'>, { defer = setImmediate, isDense }: MessageListOptions): MessageList {
  let messages: FullLogEntry[] = [];
  let last = 0;
  const followers = new Set<Follower>();

  /** Asynchronous, as a server is: the caller of `store` never runs the code of a follower. */
  function scheduleDelivery(follower: Follower): void {
    if (follower.isScheduled) return;
    follower.isScheduled = true;
    defer(() => {
      follower.isScheduled = false;
      for (let index = firstFrom(messages, follower.next); index < messages.length && followers.has(follower); index++) {
        const message = messages[index] as FullLogEntry;
        follower.next = message.sequence + 1;
        follower.onMessage(message);
      }
    });
  }

  return {
    get all() {
      return messages;
    },
    get last() {
      return last;
    },
    store(make) {
      last += isDense ? 1 : 1 + (messages.length % 3);
      messages.push(make(last, now()));
      for (const follower of followers) scheduleDelivery(follower);
      return last;
    },
    at(sequence) {
      const found = messages[firstFrom(messages, sequence)];
      return found?.sequence === sequence ? found : undefined;
    },
    firstFrom: (sequence) => messages[firstFrom(messages, sequence)],
    follow: (from, onMessage, signal) =>
      new Promise((resolve) => {
        if (signal.aborted) return resolve();
        const follower: Follower = { next: from > last + 1 ? 1 : from, onMessage, isScheduled: false };
        followers.add(follower);
        scheduleDelivery(follower);
        signal.addEventListener('abort', () => resolve(void followers.delete(follower)), { once: true });
      }),
    loseFrom(sequence) {
      messages = messages.slice(0, firstFrom(messages, sequence));
      last = messages.at(-1)?.sequence ?? 0;
      for (const follower of followers) {
        if (follower.next <= last + 1) continue;
        follower.next = 1;
        scheduleDelivery(follower);
      }
      return messages;
    },
    purge(before) {
      messages = messages.slice(firstFrom(messages, before));
      return messages;
    },
  };
}

/** The index of the first message at or after a sequence. */
export function firstFrom(messages: readonly FullLogEntry[], sequence: number): number {
  let [low, high] = [0, messages.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((messages[middle] as FullLogEntry).sequence < sequence) low = middle + 1;
    else high = middle;
  }
  return low;
}
