import type { Backoff } from './facts.ts';

/**
 * The delay before retry number `retry` (1 is the first), in milliseconds.
 *
 * Chance is drawn from the seed, so that folding the same facts gives the same delay.
 */
export function backoffDelay(backoff: Backoff, retry: number, seed: string): number {
  const full = Math.min(backoff.initialInMs * backoff.factor ** Math.max(0, retry - 1), backoff.maxInMs);
  return Math.round(full * (1 - backoff.jitter * unitHash(seed)));
}

/** FNV-1a, mapped to [0, 1). */
function unitHash(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return (hash >>> 0) / 2 ** 32;
}
