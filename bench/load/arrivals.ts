import type { Connection } from '#src/nats/transport/connection/connection.ts';

/** The results that a subscriber received since the last `reset`. */
export interface Arrivals {
  /** How many results arrived, repeated ones included. */
  readonly published: number;
  /** How many invocations have a result. */
  readonly outcomes: number;
  /** Forgets all results, and expects so many outcomes. Invocations with `fails` in their event wait `backoffInMs` for their second attempt. */
  reset(expected: number, options?: { backoffInMs: number }): void;
  /** Resolves when the expected outcomes have arrived; rejects when none arrives for a minute. */
  all(): Promise<void>;
  /** Expects so many outcomes from now on, and resolves when they have arrived, as `all` does. */
  reach(count: number): Promise<void>;
  /** Resolves when the next outcome arrives. */
  next(): Promise<void>;
  /** The rate of the outcomes from one share of them to another, per second. */
  rate(from: number, to: number): number;
  /**
   * The longest time between two outcomes that follow each other, in milliseconds. Once only retried invocations are left, their backoff does
   * not count: no work waits during it.
   */
  readonly longestLullInMs: number;
}

const GIVE_UP_AFTER_MS = 60_000;
/** In the request payload of an envelope, which is JSON within JSON. */
const FAILS = String.raw`\"fails\":true`;

/** Counts the results of all functions by the connection of a subscriber. */
export function countArrivals({ nats }: Connection): Arrivals {
  let times: number[] = [];
  let ids = new Set<string>();
  let published = 0;
  let expected = 0;
  let startedAt = 0;
  let backoffInMs = 0;
  /** The number of outcomes up to the last one of an invocation that was not retried. */
  let unretried = 0;
  let onNext = (): void => {};
  nats.subscribe('result.*.*', {
    callback: (_, message) => {
      published++;
      const id = message.headers?.get('Request-Id') ?? '';
      if (ids.has(id)) return;
      ids.add(id);
      times.push(performance.now());
      if (backoffInMs === 0 || !Buffer.from(message.data).includes(FAILS)) unretried = times.length;
      onNext();
    },
  });
  const at = (share: number): number => (share === 0 ? startedAt : (times[Math.ceil(expected * share) - 1] ?? Number.NaN));
  return {
    get published() {
      return published;
    },
    get outcomes() {
      return ids.size;
    },
    reset(count, options = { backoffInMs: 0 }) {
      ({ backoffInMs } = options);
      unretried = 0;
      times = [];
      ids = new Set();
      published = 0;
      expected = count;
      startedAt = performance.now();
    },
    all() {
      return this.reach(expected);
    },
    async reach(count) {
      expected = count;
      for (let seen = 0, seenAt = performance.now(); ids.size < expected; ) {
        await new Promise((resolve) => setTimeout(resolve, 5));
        if (ids.size > seen) {
          seen = ids.size;
          seenAt = performance.now();
        } else if (performance.now() - seenAt > GIVE_UP_AFTER_MS) throw new Error(`${ids.size} of ${expected} outcomes arrived`);
      }
    },
    next: () => new Promise((resolve) => (onNext = resolve)),
    rate: (from, to) => ((to - from) * expected * 1_000) / (at(to) - at(from)),
    get longestLullInMs() {
      const lullBefore = (time: number, index: number): number => time - (times[index - 1] ?? time) - (index < unretried ? 0 : backoffInMs);
      return times.reduce((longest, time, index) => Math.max(longest, lullBefore(time, index)), 0);
    },
  };
}
