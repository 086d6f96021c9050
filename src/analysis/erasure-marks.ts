import type { FullLogEntry } from '#src/core/log/event-log.ts';

/** Counts the erased messages, and compares them with the erasures in the log. */
export interface ErasureMarks {
  read(entry: FullLogEntry): void;
  readonly messages: number;
  /** Erased messages that no erasure of the log covers. */
  problems(): { sequence: number; what: string }[];
}

export function createErasureMarks(): ErasureMarks {
  const erasures = new Map<string, number>();
  const marks = new Map<string, { count: number; first: number }>();
  return {
    read(entry) {
      if (entry.kind === 'erasure') erasures.set(entry.erasure.id, entry.erasure.messages);
      if (entry.kind !== 'erased') return;
      const seen = marks.get(entry.by);
      if (seen === undefined) marks.set(entry.by, { count: 1, first: entry.sequence });
      else seen.count++;
    },
    get messages() {
      return [...marks.values()].reduce((sum, { count }) => sum + count, 0);
    },
    problems() {
      return [...marks].flatMap(([id, { count, first }]) => {
        const allowed = erasures.get(id);
        if (allowed === undefined)
          return [{ sequence: first, what: `${count} messages were erased by ${id}, but the log holds no such erasure` }];
        if (count > allowed)
          return [{ sequence: first, what: `${count} messages were erased by ${id}, but that erasure covers ${allowed}` }];
        return [];
      });
    },
  };
}
