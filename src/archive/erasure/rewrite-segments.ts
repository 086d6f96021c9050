import { digestOf } from '#src/archive/heads/digest.ts';
import type { JanitorOptions } from '#src/archive/janitor-options.ts';
import { leafOf, parseMark } from '#src/archive/segments/merkle.ts';
import { markLineOf, nameOf, parseHead, reencodeSegment, undecodedEntryOf } from '#src/archive/segments/segment.ts';

type Rewrite = { erasure: string; sequences: readonly number[] };

/**
 * Replaces every erased message in the archive by a mark, which keeps the leaf of its line (J4) and its digest (HEAD1). A segment that holds all its marks already is not written.
 *
 * Returns the number of segments that were written.
 */
export async function rewriteSegments({ archive, log }: JanitorOptions, { erasure, sequences }: Rewrite): Promise<number> {
  const erased = new Set(sequences);
  const [min = 0, max = -1] = [sequences[0], sequences.at(-1)];
  let rewritten = 0;
  for (const segment of await archive.segments((await log.state()).created)) {
    if (segment.last < min || segment.first > max) continue;
    let changed = 0;
    const lines = (await archive.lines(segment)).map((line) => {
      const { sequence, at, isHint } = parseHead(line);
      if (isHint || !erased.has(sequence) || parseMark(line) !== undefined) return line;
      changed++;
      const kept = { leaf: leafOf(line), digest: digestOf(undecodedEntryOf(line)) };
      return JSON.stringify(markLineOf({ sequence, at }, erasure, kept));
    });
    if (changed === 0) continue;
    const marks = lines.filter((line) => parseMark(line) !== undefined).length;
    const { segment: next, bytes } = await reencodeSegment(await archive.describe(segment), { lines, erased: marks, erasure });
    await archive.store.replace(nameOf(next), bytes);
    // Reading back verifies the written segment.
    await archive.lines(next);
    rewritten++;
  }
  return rewritten;
}
