import { hashOfAppend, shortLinkOf } from '#src/core/log/chain.ts';
import type { EventLog, FullLogEntry, LogEntry, NewRequest, RecordedAppend, StreamName, StreamVersion } from '#src/core/log/event-log.ts';
import { NO_APPENDS } from '#src/core/log/event-log.ts';
import { decodeRequest, encodeRequests, isDerivedRequest } from '#src/core/log/requests/request-messages.ts';
import type { Results } from '#src/core/log/results.ts';
import { streamKey, streamOf } from '#src/core/names/ids.ts';
import { isFunctionName, NO_FUNCTION, type StreamId } from '#src/core/names/names.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import type { Hints } from '#src/core/stream/hints.ts';
import { createMessageList, type Defer } from './message-list.ts';

/** The log in memory: the executable specification of the port, and the log of a system under virtual time. */
export interface MemoryLog extends EventLog {
  readonly hints: Hints;
  /** The present messages, in order. A reader that follows the log receives them in a later turn. */
  readonly entries: readonly FullLogEntry[];
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
  /** Every sequence has a message, as on a server. By default some are skipped, so that code which counts with a sequence fails. */
  isDense?: boolean;
};

/**
 * Makes an empty log.
 *
 * An append is stored only at the version that it expects (E3). Values are copied as JSON on the way in and out, so that no caller shares an
 * object with the log, unless `sharesObjects` is set.
 */
export function createMemoryLog({
  clock,
  maxAppendBytes = 1_044_480,
  defer,
  sharesObjects = false,
  isDense = false,
}: MemoryLogOptions): MemoryLog {
  const copy = sharesObjects ? share : copyAsJson;
  const messages = createMessageList(clock, { defer, isDense });
  const streams = createStreamIndex();
  let epoch = 0;
  const acceptedOnce = new AcceptedOnce();

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
      const [first] = requests;
      const earlier = acceptedOnce.find(name, first, messages.at);
      if (earlier !== undefined) return { sequence: earlier, isRepeated: true };
      const { payload, headers } = encodeRequests(name.stream, requests);
      const sequence = publish(name.function, payload, { headers, isOwn: requests.some(isDerivedRequest) });
      acceptedOnce.note(name, first, sequence);
      return { sequence };
    },
    findAll: async (stream) => streams.findAll(stream),
    follow: (from, onEntry, signal) => messages.follow(from, (message) => onEntry(entryOf(message)), signal),
    followFully: (from, onEntry, signal) => messages.follow(from, (message) => onEntry(copy(message)), signal),
    firstFrom: async (sequence) => messages.firstFrom(sequence),
    timeOf: async (sequence) => messages.at(sequence)?.at,
    lastSequence: async () => messages.last,
    get last() {
      return messages.last;
    },
    get entries() {
      return messages.all;
    },
    hints: createHints((wakes) => void messages.store((sequence, at) => ({ kind: 'hint', sequence, at, ...wakes }))),
    results: createResults(maxAppendBytes),
    publish: (token, data, headers = {}) => publish(token, data, { headers: Object.entries(headers), isOwn: false }),
    purge: (before) => indexAgain(messages.purge(before)),
    loseFrom(sequence, { isNoticed = true } = {}) {
      indexAgain(messages.loseFrom(sequence));
      acceptedOnce.loseFrom(sequence);
      if (isNoticed) epoch++;
    },
  };
}

type IndexedStream = { name: StreamName; appends: RecordedAppend[] };

/** The appends of each stream, oldest first. */
function createStreamIndex() {
  /** The streams of an id, one of each function. */
  const byId = new Map<StreamId, IndexedStream[]>();
  const find = (name: StreamName): IndexedStream | undefined =>
    byId.get(name.stream)?.find((indexed) => indexed.name.function === name.function);
  return {
    appendsOf: (name: StreamName): readonly RecordedAppend[] => find(name)?.appends ?? [],
    findAll: (stream: StreamId): StreamName[] => (byId.get(stream) ?? []).map(({ name }) => name),
    add(name: StreamName, append: RecordedAppend): void {
      const known = find(name);
      if (known !== undefined) known.appends.push(append);
      else byId.set(name.stream, [...(byId.get(name.stream) ?? []), { name, appends: [append] }]);
    },
    clear: (): void => byId.clear(),
  };
}

function entryOf(message: FullLogEntry): LogEntry {
  const { sequence, at } = message;
  if (message.kind === 'request') {
    const { name, requests } = message.message;
    const size = requests.reduce((sum, { payload }) => sum + Buffer.byteLength(payload), 0);
    const dueAt = requests[0]?.fact.dueAt;
    return {
      kind: 'request',
      sequence,
      at,
      name,
      size,
      ...(requests.length > 1 ? { isBatch: true } : {}),
      ...(dueAt === undefined ? {} : { dueAt }),
    };
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
    isStored: async (name, id, { type, envelope }) =>
      published.some(
        (one) => one.id === id && one.outcome === type && one.envelope === envelope && streamKey(one.name) === streamKey(name),
      ),
  };
}

function share<Value>(value: Value): Value {
  return value;
}

function copyAsJson<Value>(value: Value): Value {
  return JSON.parse(JSON.stringify(value)) as Value;
}

/** The messages that are not stored twice, as JetStream's deduplication remembers them: by the stream that their message id names. */
class AcceptedOnce {
  readonly #sequences = new Map<string, number>();

  /** The sequence of the message that holds the request already, by its own stream or by that of the request which it repeats (KEY1). */
  find(name: StreamName, first: NewRequest | undefined, at: (sequence: number) => FullLogEntry | undefined): number | undefined {
    const keys = keysOf(name, first);
    for (const key of keys) {
      const sequence = this.#sequences.get(key) ?? 0;
      const found = at(sequence);
      if (found?.kind === 'request' && keys.includes(streamKey(found.message.name))) return sequence;
    }
    return undefined;
  }

  /** Notes a stored message under the first id that no other message has. */
  note(name: StreamName, first: NewRequest | undefined, sequence: number): void {
    const free = keysOf(name, first).find((key) => !this.#sequences.has(key));
    if (free !== undefined) this.#sequences.set(free, sequence);
  }

  loseFrom(sequence: number): void {
    for (const [key, accepted] of this.#sequences) if (accepted >= sequence) this.#sequences.delete(key);
  }
}

function keysOf(name: StreamName, { once = false, repeats }: Partial<NewRequest> = {}): string[] {
  const repeated = repeats === undefined ? [] : [streamKey({ ...name, stream: streamOf(repeats) })];
  return once ? [...repeated, streamKey(name)] : repeated;
}
