import type { SegmentFiles } from '#src/archive/segments/archive.ts';
import { undecodedEntryOf } from '#src/archive/segments/segment.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import type { Segment } from '#src/core/ports/stores/archive.ts';
import { hashFromOwnHead } from './head-signer.ts';
import { type HeadStores, openHeads } from './heads.ts';
import type { LogHash } from './log-hash.ts';
import { type Signer, signHead } from './signed-head.ts';

export type SegmentSignerOptions = { archive: SegmentFiles; state: HeadStores['state']; signer: Signer; clock: Clock };

/**
 * Signs a head at the end of a segment, over the lines of this segment and of all segments before it (HEAD3).
 *
 * The hash continues from the segment that was signed before. Otherwise it continues from the newest stored head of the signer's key
 * within the archive (HEAD2), and reads the segments in between.
 */
export function createSegmentSigner({ archive, state, signer, clock }: SegmentSignerOptions) {
  let hashed: { log: string; upTo: number; hash: LogHash } | undefined;

  async function hashBefore({ log, first }: Segment): Promise<LogHash> {
    if (hashed?.log === log && hashed.upTo === first - 1) return hashed.hash;
    const hash = await hashFromOwnHead({ places: { store: archive.store, state }, publicKey: signer.publicKey }, { log, before: first });
    for (const earlier of await archive.segments(log)) {
      if (earlier.first >= first) break;
      if (earlier.last > hash.sequence) takeLines(hash, await archive.lines(earlier));
    }
    return hash;
  }

  return async (segment: Segment, lines: readonly string[]): Promise<void> => {
    const hash = await hashBefore(segment);
    hashed = undefined;
    takeLines(hash, lines);
    hashed = { log: segment.log, upTo: segment.last, hash };
    await openHeads({ store: archive.store, state }, segment.log).add(await signHead(hashed, signer, clock.now()), 'end-of-segment');
  };
}

function takeLines(hash: LogHash, lines: readonly string[]): void {
  for (const line of lines) hash.take(undecodedEntryOf(line));
}
