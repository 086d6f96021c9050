import { setTimeout as delay } from 'node:timers/promises';

/** The source of time. It is injected everywhere, so that a whole system can run under virtual time. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Resolves after `ms`, or at once when the signal aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: Date.now,
  async sleep(ms, signal) {
    if (signal?.aborted) return;
    await delay(ms, undefined, signal === undefined ? {} : { signal }).catch((error: unknown) => {
      if (!signal?.aborted) throw error;
    });
  },
};

/** Timers that call back, for work that no promise waits for. Each function returns the function that cancels its timer. */
export interface Timers {
  /** Calls back once, after `ms`. */
  after(ms: number, callback: () => void): () => void;
  /** Calls back every `ms`. */
  every(ms: number, callback: () => void): () => void;
}

export const systemTimers: Timers = {
  after(ms, callback) {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
  every(ms, callback) {
    const timer = setInterval(callback, ms);
    return () => clearInterval(timer);
  },
};

/** The source of randomness. */
export interface Random {
  bytes(size: number): Uint8Array;
}
