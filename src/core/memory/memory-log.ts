import type { EventLog, FullLogEntry, LogEntry, RecordedAppend, StreamName, StreamVersion } from '#src/core/log/event-log.ts';
import { NO_APPENDS } from '#src/core/log/event-log.ts';
import { decodeRequest, encodeRequests } from '#src/core/log/request-messages.ts';
import type { Results } from '#src/core/log/results.ts';
import { streamKey } from '#src/core/log/stream-key.ts';
import { isFunctionName, NO_FUNCTION, type StreamId } from '#src/core/names/names.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import type { Hints } from '#src/core/stream/hints.ts';

/** The log in memory: the port's executable specification, and what a system under virtual time runs on. */
export interface MemoryLog extends EventLog {
  readonly hints: Hints;
  readonly results: Results & { readonly published: readonly PublishedResult[] };
  /** What any client may do: publish bytes to an invoke subject. Returns the sequence. */
  publish(token: string, data: string | Uint8Array, headers?: Readonly<Record<string, string>>): number;
  /** What the janitor does: forgets all messages before a sequence. */
  purge(before: number): void;
}

type PublishedResult = { name: StreamName; id: string; outcome: 'succeeded' | 'failed'; envelope: string };

type Follower = { next: number; tell: (message: FullLogEntry) => void; isTelling: boolean };
/** The appends of one stream, oldest first. */
type Stream = { name: StreamName; appends: RecordedAppend[] };

export type MemoryLogOptions = { clock: Pick<Clock, 'now'>; maxAppendBytes?: number };

/**
 * Makes an empty log.
 *
 * Invariants: one total order over all streams; a sequence is never used twice, and some are never used, so that whoever
 * counts with a version fails here first. An append is stored only at the version that it expects (E3). What
 * enters or leaves is copied as JSON: no caller shares an object with the log.
 */
export function createMemoryLog({ clock, maxAppendBytes = 1_044_480 }: MemoryLogOptions): MemoryLog {
  let messages: FullLogEntry[] = [];
  let last = 0;
  const streams = new Map<string, Stream>();
  /** Requests that are accepted once, by their streams. */
  const onces = new Map<string, number>();
  /** The stream of an id that was appended to last, whatever its function. */
  const lastOf = new Map<StreamId, StreamName>();
  const followers = new Set<Follower>();

  function store(make: (sequence: number, at: number) => FullLogEntry): number {
    last += 1 + (messages.length % 3);
    messages.push(make(last, clock.now()));
    for (const follower of followers) tellLater(follower);
    return last;
  }

  /** Later, as from a server: who stores a message never runs a follower's code. */
  function tellLater(follower: Follower): void {
    if (follower.isTelling) return;
    follower.isTelling = true;
    setImmediate(() => {
      follower.isTelling = false;
      for (let index = firstFrom(follower.next); index < messages.length && followers.has(follower); index++) {
        const message = messages[index] as FullLogEntry;
        follower.next = message.sequence + 1;
        follower.tell(message);
      }
    });
  }

  function firstFrom(sequence: number): number {
    let [low, high] = [0, messages.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((messages[middle] as FullLogEntry).sequence < sequence) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  function appendsOf(name: StreamName): RecordedAppend[] {
    return streams.get(streamKey(name))?.appends ?? [];
  }

  function index(name: StreamName, append: RecordedAppend): void {
    const stream = streams.get(streamKey(name));
    if (stream === undefined) streams.set(streamKey(name), { name, appends: [append] });
    else stream.appends.push(append);
    lastOf.set(name.stream, name);
  }

  function publish(token: string, data: string | Uint8Array, headers: Iterable<readonly [string, string]> = []): number {
    const given = new Map(headers);
    const target = { function: isFunctionName(token) ? token : NO_FUNCTION, token };
    const raw = { data: Buffer.from(data as string), headers: { get: (key: string) => given.get(key) ?? '' } };
    return store((sequence, at) => ({ kind: 'request', sequence, at, message: decodeRequest(target, { ...raw, sequence, at }) }));
  }

  function follow(from: number, tell: Follower['tell'], signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const follower: Follower = { next: from, tell, isTelling: false };
      followers.add(follower);
      tellLater(follower);
      signal.addEventListener('abort', () => resolve(void followers.delete(follower)), { once: true });
    });
  }

  return {
    maxAppendBytes,
    async append(name, append, wakeTimes) {
      const version = appendsOf(name).at(-1)?.version ?? NO_APPENDS;
      if (version !== append.previous) return undefined;
      return store((sequence, at) => {
        const stored = { ...copy(append), version: sequence as StreamVersion };
        index(name, stored);
        return { kind: 'append', sequence, at, name, append: stored, wakeTimes: { ...wakeTimes } };
      }) as StreamVersion;
    },
    read: async (name, after) => copy(appendsOf(name).filter(({ version }) => version > after)),
    async readRequest(sequence) {
      const found = messages[firstFrom(sequence)];
      return found?.kind === 'request' && found.sequence === sequence ? copy(found.message) : undefined;
    },
    async accept(name, requests) {
      const [only] = requests;
      const earlier = only?.once ? onces.get(streamKey(name)) : undefined;
      if (earlier !== undefined) return { sequence: earlier, isRepeated: true };
      const { payload, headers } = encodeRequests(name.stream, requests);
      const sequence = publish(name.function, payload, headers);
      if (only?.once) onces.set(streamKey(name), sequence);
      return { sequence };
    },
    find: async (stream) => lastOf.get(stream),
    follow: (from, onEntry, signal) => follow(from, (message) => onEntry(entryOf(message)), signal),
    followFully: (from, onEntry, signal) => follow(from, (message) => onEntry(copy(message)), signal),
    lastSequence: async () => last,
    hints: createHints(() => void store((sequence, at) => ({ kind: 'hint', sequence, at }))),
    results: createResults(maxAppendBytes),
    publish: (token, data, headers = {}) => publish(token, data, Object.entries(headers)),
    purge(before) {
      messages = messages.slice(firstFrom(before));
      streams.clear();
      lastOf.clear();
      for (const message of messages) if (message.kind === 'append') index(message.name, message.append);
    },
  };
}

function entryOf(message: FullLogEntry): LogEntry {
  const { sequence, at } = message;
  if (message.kind === 'request') return { kind: 'request', sequence, at, name: message.message.name };
  if (message.kind === 'append') return { kind: 'append', sequence, at, name: message.name, wakeTimes: { ...message.wakeTimes } };
  return { kind: 'hint', sequence, at };
}

function createHints(give: () => void): Hints {
  return { wake: () => give(), deliver: () => give() };
}

function createResults(maxBytes: number): MemoryLog['results'] {
  const published: PublishedResult[] = [];
  return {
    maxBytes,
    published,
    async publish(name, id, outcome, envelope) {
      published.push({ name, id, outcome, envelope });
    },
  };
}

function copy<Value>(value: Value): Value {
  return JSON.parse(JSON.stringify(value)) as Value;
}
