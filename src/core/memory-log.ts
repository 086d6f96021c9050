import type { Clock } from './clock.ts';
import type { Attention, EventLog, FullLogEntry, Hints, LogEntry, RecordedAppend, Results, StreamName, Version } from './event-log.ts';
import { NO_APPENDS } from './event-log.ts';
import { isFunctionName, NO_FUNCTION } from './names.ts';
import { decodeRequest, encodeRequests } from './request-messages.ts';

/** The log in memory: the port's executable specification, and what a system under virtual time runs on. */
export interface MemoryLog extends EventLog {
  readonly hints: Hints;
  readonly results: Results & { readonly published: readonly PublishedResult[] };
  /** What any client may do: publish bytes to an invoke subject. Returns the sequence. */
  publish(token: string, data: string | Uint8Array, headers?: Readonly<Record<string, string>>): number;
  /** What the janitor does: forgets all messages before a sequence. */
  purge(before: number): void;
}

export type PublishedResult = { name: StreamName; id: string; outcome: 'succeeded' | 'failed'; envelope: string };

/** `attention` is what an append said beside its content. */
type Message = { full: FullLogEntry; attention?: Attention };
type Follower = { next: number; tell: (message: Message) => void; isTelling: boolean };

export type MemoryLogOptions = { clock: Pick<Clock, 'now'>; maxAppendBytes?: number };

/**
 * Makes an empty log.
 *
 * Invariants: one total order over all streams; a sequence is never used twice, and some are never used, so that whoever
 * counts with a version fails here first. An append is stored only at the version that it expects (E3). Facts are stored as
 * text: nobody shares an object with the log.
 */
export function createMemoryLog({ clock, maxAppendBytes = 1_044_480 }: MemoryLogOptions): MemoryLog {
  let messages: Message[] = [];
  let last = 0;
  const followers = new Set<Follower>();

  function store(make: (sequence: number, at: number) => Message): number {
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
        const message = messages[index] as Message;
        follower.next = message.full.sequence + 1;
        follower.tell(message);
      }
    });
  }

  function firstFrom(sequence: number): number {
    let [low, high] = [0, messages.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((messages[middle] as Message).full.sequence < sequence) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  function appendsOf(name: StreamName): RecordedAppend[] {
    return messages.flatMap(({ full }) => (full.kind === 'append' && isSame(full.name, name) ? [full.append] : []));
  }

  function publish(token: string, data: string | Uint8Array, headers: Iterable<readonly [string, string]> = []): number {
    const given = new Map(headers);
    const target = { function: isFunctionName(token) ? token : NO_FUNCTION, token };
    const raw = { data: Buffer.from(data as string), headers: { get: (key: string) => given.get(key) ?? '' } };
    return store((sequence, at) => ({ full: { kind: 'request', sequence, at, message: decodeRequest(target, { ...raw, sequence, at }) } }));
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
    async append(name, append, attention) {
      const version = appendsOf(name).at(-1)?.version ?? NO_APPENDS;
      if (version !== append.previous) return undefined;
      const stored = copy(append);
      return store((sequence, at) => ({
        full: { kind: 'append', sequence, at, name, append: { ...stored, version: sequence as Version } },
        attention: { ...attention },
      })) as Version;
    },
    read: async (name, after) => copy(appendsOf(name).filter(({ version }) => version > after)),
    async readRequest(sequence) {
      const found = messages[firstFrom(sequence)]?.full;
      return found?.kind === 'request' && found.sequence === sequence ? copy(found.message) : undefined;
    },
    async accept(name, requests) {
      const { payload, headers } = encodeRequests(name.stream, requests);
      return { sequence: publish(name.function, payload, headers) };
    },
    async find(stream) {
      const found = messages.findLast(({ full }) => full.kind === 'append' && full.name.stream === stream)?.full;
      return found?.kind === 'append' ? found.name : undefined;
    },
    follow: (from, onEntry, signal) => follow(from, (message) => onEntry(entryOf(message)), signal),
    followFully: (from, onEntry, signal) => follow(from, ({ full }) => onEntry(copy(full)), signal),
    lastSequence: async () => last,
    hints: createHints(() => void store((sequence, at) => ({ full: { kind: 'hint', sequence, at } }))),
    results: createResults(maxAppendBytes),
    publish: (token, data, headers = {}) => publish(token, data, Object.entries(headers)),
    purge(before) {
      messages = messages.slice(firstFrom(before));
    },
  };
}

function entryOf({ full, attention = {} }: Message): LogEntry {
  const { sequence, at } = full;
  if (full.kind === 'request') return { kind: 'request', sequence, at, name: full.message.name };
  if (full.kind === 'append') return { kind: 'append', sequence, at, name: full.name, attention: { ...attention } };
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

function isSame(one: StreamName, other: StreamName): boolean {
  return one.function === other.function && one.stream === other.stream;
}

function copy<Value>(value: Value): Value {
  return JSON.parse(JSON.stringify(value)) as Value;
}
