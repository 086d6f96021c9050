import { ArchiveDamagedError } from '#src/core/errors.ts';
import type { FullLogEntry } from '#src/core/log/event-log.ts';
import type { SourceEntry, StoredEntry } from '#src/core/log/log-source.ts';
import type { Archive, ArchiveStore, Segment } from '#src/core/ports/stores/archive.ts';
import { decodeLines, entryOf, folderOf, linkOf, MAX_HEADER_BYTES, nameOf, parseSegment, unpacksTo } from './segment.ts';

/** An archive for processes that also write segments. */
export interface SegmentFiles extends Archive {
  /** The verified lines of a segment. */
  lines(segment: Segment): Promise<string[]>;
  /** Reads the description of a segment again: an erasure may have rewritten the segment. */
  describe(segment: Segment): Promise<Segment>;
  describeNamed(name: string): Promise<Segment>;
  /** Whether the store returns the bytes of a segment as they were written, and whether they unpack to these lines (J1). */
  holds(segment: Segment, written: { bytes: Buffer; lines: readonly string[] }): Promise<boolean>;
}

/** The archive in a store. Each description is read once, and then kept. */
export function createArchive(store: ArchiveStore, decode: (entry: StoredEntry) => FullLogEntry): SegmentFiles {
  /** With the links, because a hash of each segment for each round of the janitor would cost more with every segment. */
  const known = new Map<string, { segment: Segment; link: string }>();

  async function describe(name: string): Promise<Segment> {
    const bytes = await store.head(name, MAX_HEADER_BYTES);
    if (bytes === undefined) throw new ArchiveDamagedError({ segment: name, problem: 'is missing' });
    return parseSegment(name, bytes);
  }

  /** The content is verified with the description in the same file, because an erasure may have rewritten both. */
  async function lines(segment: Segment): Promise<string[]> {
    const name = nameOf(segment);
    const bytes = await store.get(name);
    if (bytes === undefined) throw new ArchiveDamagedError({ segment: name, problem: 'is missing' });
    return await decodeLines(name, bytes, segment);
  }

  return {
    store,
    async segments(log) {
      const names = (await store.list(folderOf(log))).filter((name) => /\/\d{16}\.seg$/.test(name));
      const segments: Segment[] = [];
      let end = { last: 0, link: '' };
      for (const name of names) {
        const found = known.get(name) ?? linked(await describe(name));
        const problem = chainProblemOf(found.segment, end);
        if (problem !== undefined) throw new ArchiveDamagedError({ segment: name, problem });
        known.set(name, found);
        end = { last: found.segment.last, link: found.link };
        segments.push(found.segment);
      }
      return segments;
    },
    lines,
    describe: (segment) => describe(nameOf(segment)),
    describeNamed: describe,
    async holds(segment, { bytes, lines: written }) {
      const stored = await store.get(nameOf(segment));
      return stored?.equals(bytes) === true && (await unpacksTo(stored, written));
    },
    async *read(segment): AsyncGenerator<SourceEntry> {
      for (const line of await lines(segment)) yield entryOf(line, decode);
    },
  };
}

const linked = (segment: Segment) => ({ segment, link: linkOf(segment) });

function chainProblemOf({ first, last, previous }: Segment, end: { last: number; link: string }): string | undefined {
  if (first !== end.last + 1) return describeChainGap(first, end.last);
  if (previous !== end.link) return BROKEN_LINK;
  return last < first ? 'ends before it begins' : undefined;
}

export const BROKEN_LINK = 'does not link to the segment before it';

export function describeChainGap(first: number, previousLast: number): string {
  return `begins at ${first}, but the segment before it ends at ${previousLast}`;
}
