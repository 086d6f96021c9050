import type { Fact } from '#machines/facts.ts';
import { entryIdOf, type FullLogEntry, type RequestMessage, type StreamVersion } from '#src/core/log/event-log.ts';
import type { LogSource, LogState, SourceEntry, StoredEntry } from '#src/core/log/log-source.ts';
import { createNatsLogSource } from '#src/nats/streams/log/log-source.ts';
import type { Connection } from '#src/nats/transport/connection/connection.ts';
import { encodeAppend } from '#src/nats/wire/codec.ts';

/** A log of messages that a test writes one by one, as JetStream would hold them. */
export interface WrittenLog extends LogSource {
  readonly entries: readonly StoredEntry[];
  /** Writes a request, and returns its sequence. */
  request(fn: string, id: string, payload: string, options?: { headers?: Record<string, string>; at?: number }): number;
  append(fn: string, id: string, request: number, facts: readonly Fact[]): number;
  /** Writes an append with a link. */
  appendLinked(stream: { fn: string; id: string; request: number }, facts: readonly Fact[], link: string | undefined): number;
  content(sequence: number): FullLogEntry;
  message(subject: string, body: string): number;
  /** Leaves a number of sequences without a message. */
  skip(count: number): void;
  decodedRequest(sequence: number): RequestMessage | undefined;
}

export function createWrittenLog(): WrittenLog {
  // Decoding needs no connection.
  const nats = createNatsLogSource({ connection: {} as Connection });
  const entries: StoredEntry[] = [];
  const versions = new Map<string, number>();
  let last = 0;
  const add = (entry: Omit<StoredEntry, 'sequence'>): number => {
    last++;
    entries.push({ sequence: last, ...entry });
    return last;
  };
  const entryOf = (entry: StoredEntry): SourceEntry => ({ ...entry, content: nats.decode(entry) });
  function appendLinked({ fn, id, request }: { fn: string; id: string; request: number }, facts: readonly Fact[], link?: string): number {
    const subject = `invocation.${fn}.${id}`;
    const previous = (versions.get(subject) ?? 0) as StreamVersion;
    const body = encodeAppend({ id: `a-${last}`, previous, request, by: 'w-1', facts, link });
    const sequence = add({ at: last * 1_000, subject, headers: null, body });
    versions.set(subject, sequence);
    return sequence;
  }
  return {
    entries,
    request: (fn, id, body, { headers = {}, at = last * 1_000 } = {}) =>
      add({
        at,
        subject: `${'Lineage' in headers || 'Redrive-Of' in headers || headers.Batch === 'opens' ? 'derived' : 'invoke'}.${fn}`,
        // The header of a batch names its stream, which takes the place of an id.
        headers: JSON.stringify(headers.Batch === undefined || headers.Batch === 'opens' ? { 'Request-Id': id, ...headers } : headers),
        body,
      }),
    append: (fn, id, request, facts) => appendLinked({ fn, id, request }, facts),
    appendLinked,
    message: (subject, body) => add({ at: last * 1_000, subject, headers: null, body }),
    skip(count) {
      last += count;
    },
    content(sequence) {
      const found = entries.find((entry) => entry.sequence === sequence);
      if (found === undefined) throw new Error(`no message ${sequence}`);
      return nats.decode(found);
    },
    decodedRequest(sequence) {
      const found = entries.find((entry) => entry.sequence === sequence);
      const content = found === undefined ? undefined : nats.decode(found);
      return content?.kind === 'request' ? content.message : undefined;
    },
    state: async (): Promise<LogState> => ({
      created: 'once',
      first: entries[0]?.sequence ?? 0,
      last,
      messages: entries.length,
      authority: 'sole',
    }),
    missing: async () => last - entries.length,
    firstFrom: async (sequence) => entries.find((entry) => entry.sequence >= sequence),
    fingerprintAt: async (sequence) => {
      const found = entries.find((entry) => entry.sequence === sequence);
      return found === undefined ? undefined : nats.fingerprintOf(found);
    },
    idAt: async (sequence) => entries.filter((entry) => entry.sequence === sequence).map((entry) => entryIdOf(nats.decode(entry)))[0],
    fingerprintOf: nats.fingerprintOf,
    decode: nats.decode,
    async follow(from, onEntry, signal) {
      for (const entry of entries) {
        if (signal.aborted) return;
        if (entry.sequence >= from) onEntry(entryOf(entry));
      }
    },
  };
}
