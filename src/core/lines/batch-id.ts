import { randomBytes } from 'node:crypto';
import { createStreamId } from '#src/core/names/ids.ts';

/** A new id of a batch without a key. Later ids are greater. */
export function newBatchId(now: number): string {
  return createStreamId(now, randomBytes(8));
}
