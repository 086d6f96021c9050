import type { FullLogEntry } from '#src/core/log/event-log.ts';

/** Counts the erased messages, and compares them with the erasures in the log. */
export interface ErasureMarks {
  read(entry: FullLogEntry): void;
  readonly messages: number;
  /** Erased messages that no erasure of the log covers. */
  problems(): { sequence: number; what: string }[];
}

export function createErasureMarks(): ErasureMarks {
  const erasures = new Map<string, { messages: number; until: number }>();
  const marks = new Map<string, { count: number; first: number; last: number }>();
  return {
    read(entry) {
      if (entry.kind === 'erasure') erasures.set(entry.erasure.id, entry.erasure);
      if (entry.kind !== 'erased') return;
      const seen = marks.get(entry.by);
      if (seen === undefined) marks.set(entry.by, { count: 1, first: entry.sequence, last: entry.sequence });
      else {
        seen.count++;
        seen.last = entry.sequence;
      }
    },
    get messages() {
      return [...marks.values()].reduce((sum, { count }) => sum + count, 0);
    },
    problems() {
      return [...marks].flatMap(([id, { count, first, last }]) => {
        const allowed = erasures.get(id);
        if (allowed === undefined)
          return [{ sequence: first, what: `${count} messages were erased by ${id}, but the log holds no such erasure` }];
        if (count > allowed.messages)
          return [{ sequence: first, what: `${count} messages were erased by ${id}, but that erasure covers ${allowed.messages}` }];
        if (last > allowed.until)
          return [{ sequence: last, what: `message ${last} was erased by ${id}, but that erasure covers messages up to ${allowed.until}` }];
        return [];
      });
    },
  };
}
