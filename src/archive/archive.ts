import { ArchiveDamagedError } from '#src/core/errors.ts';
import type { FullLogEntry } from '#src/core/log/event-log.ts';
import type { SourceEntry, StoredEntry } from '#src/core/log/log-source.ts';
import type { Archive, ArchiveStore, Segment } from '#src/core/ports/archive.ts';
import { decodeLines, entryOf, folderOf, linkOf, MOST_HEADER_BYTES, nameOf, parseSegment } from './segment.ts';

/** What writes segments needs beside reading them. */
export interface SegmentFiles extends Archive {
  /** The lines of a segment, checked. */
  lines(segment: Segment): Promise<string[]>;
  /** What a segment says about itself now: an erasure may have rewritten it. */
  describe(segment: Segment): Promise<Segment>;
  describeNamed(name: string): Promise<Segment>;
}

/** The archive in a store. Descriptions are read once, and again only when their segment was rewritten. */
export function createArchive(store: ArchiveStore, decode: (entry: StoredEntry) => FullLogEntry): SegmentFiles {
  const known = new Map<string, Segment>();

  async function describe(name: string): Promise<Segment> {
    const bytes = await store.head(name, MOST_HEADER_BYTES);
    if (bytes === undefined) throw new ArchiveDamagedError({ segment: name, problem: 'is gone' });
    return parseSegment(name, bytes);
  }

  /** An erasure may have rewritten it since its description was read: the content tells by its own. */
  async function lines(segment: Segment): Promise<string[]> {
    const name = nameOf(segment);
    const bytes = await store.get(name);
    if (bytes === undefined) throw new ArchiveDamagedError({ segment: name, problem: 'is gone' });
    return await decodeLines(name, bytes, segment);
  }

  return {
    store,
    async segments(log) {
      const names = (await store.list(folderOf(log))).filter((name) => /\/\d{16}\.seg$/.test(name));
      const segments: Segment[] = [];
      let link = '';
      let after = 0;
      for (const name of names) {
        const segment = known.get(name) ?? (await describe(name));
        if (segment.first !== after + 1) {
          throw new ArchiveDamagedError({ segment: name, problem: `begins at ${segment.first}, and the one before it ends at ${after}` });
        }
        if (segment.previous !== link) throw new ArchiveDamagedError({ segment: name, problem: 'does not follow the one before it' });
        if (segment.last < segment.first) throw new ArchiveDamagedError({ segment: name, problem: 'ends before it begins' });
        known.set(name, segment);
        link = linkOf(segment);
        after = segment.last;
        segments.push(segment);
      }
      return segments;
    },
    lines,
    describe: (segment) => describe(nameOf(segment)),
    describeNamed: describe,
    async *read(segment): AsyncGenerator<SourceEntry> {
      for (const line of await lines(segment)) yield entryOf(line, decode);
    },
  };
}
