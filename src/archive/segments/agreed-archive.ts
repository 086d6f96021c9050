import type { LogSource, LogState, StoredEntry } from '#src/core/log/log-source.ts';
import type { Archive, Segment } from '#src/core/ports/stores/archive.ts';

type Position = Pick<StoredEntry, 'sequence' | 'at'>;

/**
 * The archive up to the last message on which log and archive agree (J7).
 *
 * A log that lost its last messages uses their sequences again. Archived messages after the point of the loss are therefore no part of the
 * log, whatever the log holds at their sequences. Without a loss, this costs the state of the log, and one message if the log still holds
 * the newest archived one.
 */
export function createAgreedArchive(log: LogSource, archive: Archive): Archive {
  const originals = new WeakMap<Segment, Segment>();
  let known: { newest: Segment; end: Position } | undefined;

  /** The last position on which both agree; `undefined` when they agree on all segments. */
  async function findEnd(segments: readonly Segment[]): Promise<Position | undefined> {
    const newest = segments.at(-1);
    if (newest === undefined) return undefined;
    const state = await log.state();
    if (await agree(log, state, endOf(newest))) return undefined;
    if (known?.newest !== newest || !(await agree(log, state, known.end))) {
      known = { newest, end: await searchEnd({ log, archive, state }, segments) };
    }
    return known.end;
  }

  async function clip(segment: Segment, { sequence: last, at: lastAt }: Position): Promise<Segment> {
    let messages = 0;
    for await (const entry of archive.read(segment)) if (entry.sequence <= last) messages++;
    const clipped = { ...segment, last, lastAt, messages, missing: last - segment.first + 1 - messages };
    originals.set(clipped, segment);
    return clipped;
  }

  return {
    store: archive.store,
    async segments(created) {
      const segments = await archive.segments(created);
      const end = await findEnd(segments);
      if (end === undefined) return segments;
      const agreed = segments.filter(({ first }) => first <= end.sequence);
      return await Promise.all(agreed.map((segment) => (segment.last <= end.sequence ? segment : clip(segment, end))));
    },
    async *read(segment) {
      for await (const entry of archive.read(originals.get(segment) ?? segment)) {
        if (entry.sequence > segment.last) return;
        yield entry;
      }
    },
  };
}

/** The archived messages that the log lost; `undefined` when log and archive agree on all messages. */
export async function findLostPart(log: LogSource, archive: Archive): Promise<{ first: number; last: number } | undefined> {
  const { created } = await log.state();
  const archived = (await archive.segments(created)).at(-1)?.last ?? 0;
  const agreed = (await createAgreedArchive(log, archive).segments(created)).at(-1)?.last ?? 0;
  return agreed < archived ? { first: agreed + 1, last: archived } : undefined;
}

/**
 * Whether the log holds the archived message of a position, as far as the log can tell: a message that was purged, or removed between open
 * ones, is believed.
 */
async function agree(log: LogSource, { first, last, authority }: LogState, { sequence, at }: Position): Promise<boolean> {
  if (sequence < first) return true;
  if (sequence > last) return authority === 'unproven';
  const found = await log.firstFrom(sequence);
  return found?.sequence !== sequence || found.at === at;
}

type Search = { log: LogSource; archive: Archive; state: LogState };

/** Searches the segment in which the agreement ends, and then the message in it. */
async function searchEnd({ log, archive, state }: Search, segments: readonly Segment[]): Promise<Position> {
  const isAgreed = (position: Position): Promise<boolean> => agree(log, state, position);
  const count = await countLeading(segments.map(endOf), isAgreed);
  const before = segments[count - 1];
  const positions: Position[] = [];
  const differing = segments[count];
  if (differing !== undefined) for await (const { sequence, at } of archive.read(differing)) positions.push({ sequence, at });
  const inSegment = positions[(await countLeading(positions, isAgreed)) - 1];
  return inSegment ?? (before === undefined ? { sequence: 0, at: 0 } : endOf(before));
}

/** How many positions at the beginning agree. After the first one that does not, none does. */
async function countLeading(positions: readonly Position[], isAgreed: (position: Position) => Promise<boolean>): Promise<number> {
  let [low, high] = [0, positions.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (await isAgreed(positions[middle] as Position)) low = middle + 1;
    else high = middle;
  }
  return low;
}

function endOf({ last: sequence, lastAt: at }: Segment): Position {
  return { sequence, at };
}
