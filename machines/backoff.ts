import type { Backoff } from './facts.ts';
import { fnv1a } from './fnv.ts';

/**
 * The delay before retry number `retry` (1 is the first), in milliseconds.
 *
 * Chance is drawn from the seed, so that folding the same facts gives the same delay.
 */
export function backoffDelay(backoff: Backoff, retry: number, seed: string): number {
  const full = Math.min(backoff.initialInMs * backoff.factor ** Math.max(0, retry - 1), backoff.maxInMs);
  return Math.round(full * (1 - backoff.jitter * ((fnv1a(seed) >>> 0) / 2 ** 32)));
}
