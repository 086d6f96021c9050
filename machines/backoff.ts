import type { Backoff } from './facts.ts';
import { fnv1a } from './fnv.ts';

/**
 * The delay before retry number `retry` (1 is the first), in milliseconds.
 *
 * Chance is drawn from the seed, so that folding the same facts gives the same delay.
 */
export function backoffDelay(backoff: Backoff, retry: number, seed: string): number {
  const full = Math.min(grown(backoff, retry - 1), backoff.maxInMs);
  return Math.round(full * (1 - backoff.jitter * ((fnv1a(seed) >>> 0) / 2 ** 32)));
}

/** Multiplies step by step: the last digit of a power depends on the version of V8, and the delay must not. */
function grown({ initialInMs, factor, maxInMs }: Backoff, times: number): number {
  let delay = initialInMs;
  for (let step = 0; step < times && factor > 1 && delay < maxInMs; step++) delay *= factor;
  return delay;
}
