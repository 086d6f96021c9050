import type { Backoff } from './facts.ts';
import { fnv1a } from './fnv.ts';

/**
 * The delay before retry number `retry` (1 is the first), in milliseconds.
 *
 * The jitter derives from the seed, so that the same facts give the same delay in every process (E2).
 */
export function backoffDelay(backoff: Backoff, retry: number, seed: string): number {
  const delay = Math.min(delayWithoutJitter(backoff, retry - 1), backoff.maxInMs);
  return Math.round(delay * (1 - backoff.jitter * ((fnv1a(seed) >>> 0) / 2 ** 32)));
}

/** Multiplies step by step, because the last digit of `**` depends on the version of V8. */
function delayWithoutJitter({ initialInMs, factor, maxInMs }: Backoff, steps: number): number {
  let delay = initialInMs;
  for (let step = 0; step < steps && factor > 1 && delay < maxInMs; step++) delay *= factor;
  return delay;
}
