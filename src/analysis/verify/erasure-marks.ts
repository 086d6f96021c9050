import { decodeSequences } from '#src/core/log/erased-sequences.ts';
import type { FullLogEntry } from '#src/core/log/event-log.ts';

/**
 * Compares the erased messages with the messages that the erasure records in the log name (J9).
 *
 * Invariant: memory grows by eight bytes for each erased message, and for each that an erasure names.
 */
export interface ErasureMarks {
  read(entry: FullLogEntry): void;
  readonly messages: number;
  /** Erased messages that no erasure of the log covers: at most one for each erasure. */
  problems(): { sequence: number; what: string }[];
}

type Recorded = { messages: number; until: number; named: number[][] };

export function createErasureMarks(): ErasureMarks {
  const erasures = new Map<string, Recorded>();
  const marks = new Map<string, number[]>();
  return {
    read(entry) {
      if (entry.kind === 'erasure') {
        const { id, messages, until, sequences } = entry.erasure;
        const recorded = erasures.get(id) ?? { messages, until, named: [] };
        if (sequences !== undefined) recorded.named.push(decodeSequences(sequences));
        erasures.set(id, recorded);
      }
      if (entry.kind !== 'erased') return;
      const seen = marks.get(entry.by);
      if (seen === undefined) marks.set(entry.by, [entry.sequence]);
      else seen.push(entry.sequence);
    },
    get messages() {
      return [...marks.values()].reduce((sum, { length }) => sum + length, 0);
    },
    problems() {
      return [...marks].flatMap(([id, sequences]) => problemOf(id, sequences, erasures.get(id)) ?? []);
    },
  };
}

function problemOf(id: string, marked: readonly number[], recorded: Recorded | undefined): { sequence: number; what: string } | undefined {
  const { length: count, 0: first = 0 } = marked;
  if (recorded === undefined) return { sequence: first, what: `${count} messages were erased by ${id}, but the log holds no such erasure` };
  const { messages, until, named } = recorded;
  if (named.length > 0) {
    const other = firstOutside(marked, named.flat());
    if (other === undefined) return undefined;
    return { sequence: other, what: `message ${other} was erased by ${id}, but that erasure does not cover this message` };
  }
  // An erasure of an earlier version names no messages.
  if (count > messages) return { sequence: first, what: `${count} messages were erased by ${id}, but that erasure covers ${messages}` };
  const last = marked.at(-1) ?? 0;
  if (last <= until) return undefined;
  return { sequence: last, what: `message ${last} was erased by ${id}, but that erasure covers messages up to ${until}` };
}

/** The first of ascending sequences that is not among others. */
function firstOutside(sequences: readonly number[], others: number[]): number | undefined {
  others.sort((one, other) => one - other);
  let next = 0;
  return sequences.find((sequence) => {
    while ((others[next] ?? Number.POSITIVE_INFINITY) < sequence) next++;
    return others[next] !== sequence;
  });
}
