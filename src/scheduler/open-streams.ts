import type { LogEntry, StreamName, WakeTimes } from '#src/core/log/event-log.ts';
import type { FunctionName, StreamId } from '#src/core/names/names.ts';
import { PassingMap } from '#src/core/stream/passing-map.ts';
import { createDueTimes } from './due-times.ts';

/** A stream with at least one invocation that is not `notified` yet. */
export type OpenStream = {
  key: string;
  name: StreamName;
  /** The sequence of the request, unless the log was read from behind it. */
  request: number | undefined;
  /** When the request was accepted, as far as it was read. */
  acceptedAt: number | undefined;
  /** The sequence of the newest message about it: the request's own while nothing was appended. */
  version: number;
  /** When the next attempt of one of its invocations is due, if one waits. */
  dueAt: number | undefined;
  /** When the next try of one of its deliveries is due, if one waits. */
  deliverAt: number | undefined;
  /** When somebody should look at the stream. */
  checkAt: number;
  /** How often it was looked at, or woken, since its last append. */
  inspections: number;
};

/**
 * The open invocations, folded from what every message of the log says about itself.
 *
 * Invariant: a stream is in here from its request until an append says that nothing remains to be done, and at `checkAt`
 * somebody looks at it. Memory grows with what is open, never with the log.
 */
export interface OpenStreams {
  readonly size: number;
  /** The sequence of the oldest open request: everything before is settled. */
  readonly floor: number;
  fold(entry: LogEntry): void;
  /** Takes a stream that is due. It is looked at again at its next `checkAt`. */
  takeDue(now: number): OpenStream | undefined;
  /** Sets when to look again at the latest. */
  inspectAgain(stream: OpenStream, at: number): void;
  /** Forgets a stream that turned out to be settled. */
  remove(stream: OpenStream): void;
  find(key: string): OpenStream | undefined;
  values(): Iterable<OpenStream>;
}

export type OpenStreamsOptions = {
  /** How long others may take before somebody looks, in milliseconds. */
  patienceInMs: number;
  /** How old a request of the function may become, in milliseconds; `undefined` for a function that is not known. */
  maxAgeOf: (name: FunctionName) => number | undefined;
  /** How long a request for an unknown function may wait for the function, in milliseconds. */
  unknownGraceInMs: number;
};

const NEVER = Number.POSITIVE_INFINITY;

function earliestOf({ dueAt = NEVER, endsAt = NEVER, deliverAt = NEVER }: WakeTimes): number {
  return Math.min(dueAt, endsAt, deliverAt);
}

export function createOpenStreams({ patienceInMs, maxAgeOf, unknownGraceInMs }: OpenStreamsOptions): OpenStreams {
  const open = new PassingMap<string, OpenStream>();
  const dueTimes = createDueTimes();
  let nextSequence = 1;

  // streamKey as a text of its own: a template literal would retain its parts, and the texts that they were cut from.
  const ownedKeyOf = (name: StreamName): string => [name.function, name.stream].join('.');

  function schedule(stream: OpenStream, at: number): void {
    // Only an earlier time needs a new entry: an entry that comes too early is put back.
    if (at < stream.checkAt) dueTimes.add(stream.key, at);
    stream.checkAt = at;
  }

  function insert(key: string, name: StreamName, request: number | undefined, version: number): OpenStream {
    const stream: OpenStream = {
      key,
      name: { function: name.function, stream: key.slice(name.function.length + 1) as StreamId },
      request,
      acceptedAt: undefined,
      version,
      dueAt: undefined,
      deliverAt: undefined,
      checkAt: NEVER,
      inspections: 0,
    };
    open.set(key, stream);
    return stream;
  }

  return {
    get size() {
      return open.size;
    },
    get floor() {
      for (const [, { request }] of open) return request ?? 1;
      return nextSequence;
    },
    fold(entry) {
      nextSequence = entry.sequence + 1;
      if (entry.kind === 'hint') return;
      const { name, sequence, at } = entry;
      const key = ownedKeyOf(name);
      const known = open.get(key);
      if (entry.kind === 'request') {
        // A second request of the same id finds the stream of the first.
        if (known !== undefined) return;
        const patience = Math.min(patienceInMs, maxAgeOf(name.function) ?? unknownGraceInMs);
        const stream = insert(key, name, sequence, sequence);
        stream.acceptedAt = at;
        return schedule(stream, at + patience);
      }
      const { dueAt, deliverAt, inProgressSince: heldSince } = entry.wakeTimes;
      if (dueAt === undefined && deliverAt === undefined && heldSince === undefined) {
        open.delete(key);
        return;
      }
      const stream = known ?? insert(key, name, undefined, sequence);
      stream.version = sequence;
      stream.dueAt = dueAt;
      stream.deliverAt = deliverAt;
      stream.inspections = 0;
      schedule(stream, Math.min(earliestOf(entry.wakeTimes), heldSince === undefined ? NEVER : at + patienceInMs));
    },
    takeDue(now) {
      for (;;) {
        const key = dueTimes.takeDue(now);
        if (key === undefined) return undefined;
        const stream = open.get(key);
        if (stream === undefined) continue;
        if (stream.checkAt <= now) {
          stream.checkAt = NEVER;
          return stream;
        }
        if (stream.checkAt < NEVER) dueTimes.add(key, stream.checkAt);
      }
    },
    // An append that was folded since the stream was taken knows better than who looked before it.
    inspectAgain: (stream, at) => {
      if (open.get(stream.key) === stream) schedule(stream, Math.min(at, stream.checkAt));
    },
    remove: (stream) => {
      const isAsTaken = stream.checkAt === NEVER;
      if (isAsTaken && open.get(stream.key) === stream) open.delete(stream.key);
    },
    find: (key) => open.get(key),
    values: () => open.values(),
  };
}
