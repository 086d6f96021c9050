import type { Fact } from '#machines/facts.ts';
import { UnknownOutcomeError } from '#src/core/errors.ts';
import type { Append, EventLog, StreamVersion } from '#src/core/log/event-log.ts';

/** A log that records its calls, and delays appends until the test releases them. */
export type WatchedLog = EventLog & {
  /** Every append that was tried, in order. */
  readonly appends: readonly Append[];
  /** The maximum number of appends in flight at one moment. */
  readonly mostAtOnce: number;
  /** Delays all appends from now on. Returns the function that releases them. */
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

/** A log that stores an append and then throws instead of answering, as long as `isBroken()`. */
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

/** A log that stores an append of these facts at once, and answers when `release` is called. */
export function answeringLate(log: EventLog, types: readonly Fact['type'][]) {
  const waiting: (() => void)[] = [];
  const append: EventLog['append'] = async (name, given, wakeTimes) => {
    const version = await log.append(name, given, wakeTimes);
    if (given.facts.some(({ type }) => types.includes(type))) await new Promise<void>((resolve) => waiting.push(resolve));
    return version;
  };
  return { log: { ...delegate(log), append }, waiting, release: () => waiting.shift()?.() };
}

/** A log in which another writer appends just before each append of this one, as long as `facts()` returns facts. */
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

/** A log whose reads return nothing new for some time after each refused append, as of a new leader that lags. */
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
    epoch: () => log.epoch(),
    append: (...given) => log.append(...given),
    read: (...given) => log.read(...given),
    readRequest: (...given) => log.readRequest(...given),
    accept: (...given) => log.accept(...given),
    findAll: (...given) => log.findAll(...given),
    follow: (...given) => log.follow(...given),
    followFully: (...given) => log.followFully(...given),
    firstFrom: (...given) => log.firstFrom(...given),
    timeOf: (...given) => log.timeOf(...given),
    lastSequence: () => log.lastSequence(),
  };
}
