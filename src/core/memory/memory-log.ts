import { hashOfAppend, shortLinkOf } from '#src/core/log/chain.ts';
import type { EventLog, FullLogEntry, LogEntry, RecordedAppend, StreamName, StreamVersion } from '#src/core/log/event-log.ts';
import { NO_APPENDS } from '#src/core/log/event-log.ts';
import { decodeRequest, encodeRequests, isDerivedRequest } from '#src/core/log/request-messages.ts';
import type { Results } from '#src/core/log/results.ts';
import { streamKey } from '#src/core/log/stream-key.ts';
import { isFunctionName, NO_FUNCTION, type StreamId } from '#src/core/names/names.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import type { Hints } from '#src/core/stream/hints.ts';
import { createMessageList, type Defer } from './message-list.ts';

/** The log in memory: the executable specification of the port, and the log of a system under virtual time. */
export interface MemoryLog extends EventLog {
  readonly hints: Hints;
  /** The sequence of the newest message. */
  readonly last: number;
  readonly results: Results & { readonly published: readonly PublishedResult[] };
  /** Publishes bytes to an invoke subject, as any client may. Returns the sequence. */
  publish(token: string, data: string | Uint8Array, headers?: Readonly<Record<string, string>>): number;
  /** Purges all messages before a sequence, as the janitor does. */
  purge(before: number): void;
  /**
   * Loses the last messages, from a sequence on, as a power cut does. Later messages get their sequences. By default, the users of the log
   * notice that they were disconnected.
   */
  loseFrom(sequence: number, options?: { isNoticed?: boolean }): void;
}

type PublishedResult = { name: StreamName; id: string; outcome: 'succeeded' | 'failed'; envelope: string };

export type MemoryLogOptions = {
  clock: Pick<Clock, 'now'>;
  maxAppendBytes?: number;
  /** Delivers to the followers, in a later turn by default. */
  defer?: Defer;
  /** Callers share objects with the log, and must not change them. A simulation saves a third of its time by this. */
  sharesObjects?: boolean;
};

/**
 * Makes an empty log.
 *
 * An append is stored only at the version that it expects (E3). Values are copied as JSON on the way in and out, so that no caller shares an
 * object with the log, unless `sharesObjects` is set.
 */
export function createMemoryLog({ clock, maxAppendBytes = 1_044_480, defer, sharesObjects = false }: MemoryLogOptions): MemoryLog {
  const copy = sharesObjects ? share : copyAsJson;
  const messages = createMessageList(clock, defer);
  const streams = createStreamIndex();
  let epoch = 0;
  /** The sequences of requests with `once`, by stream. */
  const acceptedOnce = new Map<string, number>();

  function publish(
    token: string,
    data: string | Uint8Array,
    { headers, isOwn }: { headers: Iterable<readonly [string, string]>; isOwn: boolean },
  ): number {
    const given = new Map(headers);
    const target = { function: isFunctionName(token) ? token : NO_FUNCTION, token };
    const raw = { data: Buffer.from(data as string), headers: { get: (key: string) => given.get(key) ?? '' }, isOwn };
    return messages.store((sequence, at) => ({ kind: 'request', sequence, at, message: decodeRequest(target, { ...raw, sequence, at }) }));
  }

  function indexAgain(kept: readonly FullLogEntry[]): void {
    streams.clear();
    for (const message of kept) if (message.kind === 'append') streams.add(message.name, message.append);
  }

  return {
    maxAppendBytes,
    epoch: () => epoch,
    async append(name, append, wakeTimes) {
      const present = streams.appendsOf(name).at(-1)?.version ?? NO_APPENDS;
      if (present !== append.previous) return undefined;
      const hash = hashOfAppend(JSON.stringify(append));
      const version = messages.store((sequence, at) => {
        const stored = { ...copy(append), version: sequence as StreamVersion, hash };
        streams.add(name, stored);
        return { kind: 'append', sequence, at, name, append: stored, wakeTimes: { ...wakeTimes }, link: shortLinkOf(stored) };
      });
      return { version: version as StreamVersion, hash };
    },
    read: async (name, after) => copy(streams.appendsOf(name).filter(({ version }) => version > after)),
    async readRequest(sequence) {
      const found = messages.at(sequence);
      return found?.kind === 'request' ? copy(found.message) : undefined;
    },
    async accept(name, requests) {
      const [only] = requests;
      const earlier = only?.once ? acceptedOnce.get(streamKey(name)) : undefined;
      if (earlier !== undefined) return { sequence: earlier, isRepeated: true };
      const { payload, headers } = encodeRequests(name.stream, requests);
      const sequence = publish(name.function, payload, { headers, isOwn: requests.some(isDerivedRequest) });
      if (only?.once) acceptedOnce.set(streamKey(name), sequence);
      return { sequence };
    },
    findAll: async (stream) => streams.findAll(stream),
    follow: (from, onEntry, signal) => messages.follow(from, (message) => onEntry(entryOf(message)), signal),
    followFully: (from, onEntry, signal) => messages.follow(from, (message) => onEntry(copy(message)), signal),
    lastSequence: async () => messages.last,
    get last() {
      return messages.last;
    },
    hints: createHints((wakes) => void messages.store((sequence, at) => ({ kind: 'hint', sequence, at, ...wakes }))),
    results: createResults(maxAppendBytes),
    publish: (token, data, headers = {}) => publish(token, data, { headers: Object.entries(headers), isOwn: false }),
    purge: (before) => indexAgain(messages.purge(before)),
    loseFrom(sequence, { isNoticed = true } = {}) {
      indexAgain(messages.loseFrom(sequence));
      for (const [key, accepted] of acceptedOnce) if (accepted >= sequence) acceptedOnce.delete(key);
      if (isNoticed) epoch++;
    },
  };
}

/** The appends of each stream, oldest first. */
function createStreamIndex() {
  const appends = new Map<string, RecordedAppend[]>();
  /** The streams of an id, one of each function. */
  const byId = new Map<StreamId, StreamName[]>();
  return {
    appendsOf: (name: StreamName): readonly RecordedAppend[] => appends.get(streamKey(name)) ?? [],
    findAll: (stream: StreamId): StreamName[] => [...(byId.get(stream) ?? [])],
    add(name: StreamName, append: RecordedAppend): void {
      const known = appends.get(streamKey(name));
      if (known !== undefined) return void known.push(append);
      appends.set(streamKey(name), [append]);
      byId.set(name.stream, [...(byId.get(name.stream) ?? []), name]);
    },
    clear(): void {
      appends.clear();
      byId.clear();
    },
  };
}

function entryOf(message: FullLogEntry): LogEntry {
  const { sequence, at } = message;
  if (message.kind === 'request') {
    const { name, requests } = message.message;
    const size = requests.reduce((sum, { payload }) => sum + Buffer.byteLength(payload), 0);
    return { kind: 'request', sequence, at, name, size };
  }
  if (message.kind === 'append')
    return { kind: 'append', sequence, at, name: message.name, wakeTimes: { ...message.wakeTimes }, link: message.link };
  return message.kind === 'hint' ? message : { kind: 'hint', sequence, at };
}

function createHints(store: (hint: { wakes?: StreamName }) => void): Hints {
  return { wake: (wakes) => store({ wakes }), deliver: () => store({}) };
}

function createResults(maxBytes: number): MemoryLog['results'] {
  const published: PublishedResult[] = [];
  return {
    maxBytes,
    published,
    async publish(name, id, outcome, envelope) {
      published.push({ name, id, outcome, envelope });
    },
    isStored: async (name, id) => published.some((result) => result.id === id && streamKey(result.name) === streamKey(name)),
  };
}

function share<Value>(value: Value): Value {
  return value;
}

function copyAsJson<Value>(value: Value): Value {
  return JSON.parse(JSON.stringify(value)) as Value;
}
