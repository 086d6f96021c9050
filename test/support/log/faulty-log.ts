import { UnknownOutcomeError } from '#src/core/errors.ts';
import type { Append, EventLog, StreamVersion } from '#src/core/log/event-log.ts';

/** A log that shows what is asked of it, and holds appends back until the test lets them through. */
export type WatchedLog = EventLog & {
  /** Every append that was tried, in order. */
  readonly appends: readonly Append[];
  /** The most appends that were under way at one moment. */
  readonly mostAtOnce: number;
  /** Holds appends back from now on. Returns what lets them through. */
  hold(): () => void;
};

export function watchLog(log: EventLog): WatchedLog {
  const appends: Append[] = [];
  let underWay = 0;
  let mostAtOnce = 0;
  let held: Promise<void> = Promise.resolve();
  return {
    ...delegate(log),
    appends,
    get mostAtOnce() {
      return mostAtOnce;
    },
    hold() {
      let open = (): void => {};
      held = new Promise((resolve) => {
        open = resolve;
      });
      return open;
    },
    async append(name, append, wakeTimes) {
      appends.push(append);
      mostAtOnce = Math.max(mostAtOnce, ++underWay);
      try {
        await held;
        return await log.append(name, append, wakeTimes);
      } finally {
        underWay--;
      }
    },
  };
}

/** A log that stores what it is told and then cannot say so, as long as `isBroken()`. */
export function losingAnswers(log: EventLog, isBroken: () => boolean): EventLog {
  return {
    ...delegate(log),
    async append(name, append, wakeTimes) {
      const version = await log.append(name, append, wakeTimes);
      if (isBroken()) throw new UnknownOutcomeError({ id: append.id, waitedInMs: 0 });
      return version;
    },
  };
}

/** Somebody else appends just before every append of ours, as long as `facts()` gives something. */
export function withRival(log: EventLog, rival: (previous: StreamVersion) => Append | undefined): EventLog {
  return {
    ...delegate(log),
    async append(name, append, wakeTimes) {
      const theirs = rival(append.previous);
      if (theirs !== undefined) await log.append(name, theirs, {});
      return log.append(name, append, wakeTimes);
    },
  };
}

/** A log whose streams show nothing new in so many reads after each refused append, as a new leader that is behind. */
export function withLaggingReads(log: EventLog, reads: number): EventLog {
  let left = 0;
  return {
    ...delegate(log),
    async append(name, append, wakeTimes) {
      const version = await log.append(name, append, wakeTimes);
      if (version === undefined) left = reads;
      return version;
    },
    read: async (name, after) => (left-- > 0 ? [] : log.read(name, after)),
  };
}

export function withMaxBytes(log: EventLog, maxAppendBytes: number): EventLog {
  return { ...delegate(log), maxAppendBytes };
}

function delegate(log: EventLog): EventLog {
  return {
    maxAppendBytes: log.maxAppendBytes,
    append: (...given) => log.append(...given),
    read: (...given) => log.read(...given),
    readRequest: (...given) => log.readRequest(...given),
    accept: (...given) => log.accept(...given),
    find: (...given) => log.find(...given),
    follow: (...given) => log.follow(...given),
    followFully: (...given) => log.followFully(...given),
    lastSequence: () => log.lastSequence(),
  };
}
