import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import type { LogSource, SourceEntry, StoredEntry } from '#src/core/log/log-source.ts';
import { type HeaderReader, requestHeader } from '#src/core/log/request-messages.ts';
import type { Connection } from '#src/nats/transport/connection.ts';
import { fullEntryOf } from '#src/nats/wire/full-entry.ts';
import { readMessage, readNextBySubject, type StoredMessage } from '#src/nats/wire/stored-messages.ts';
import { INVOCATIONS } from '#src/nats/wire/topology.ts';
import { followMessages } from './event-log.ts';

/** The log on JetStream, word for word. */
export function createNatsLogSource({
  connection,
  onProblem = () => {},
}: {
  connection: Connection;
  onProblem?: (problem: string) => void;
}): LogSource {
  return {
    async state() {
      const { created, state } = await connection.manager.streams.info(INVOCATIONS);
      return { created: String(created), first: Math.max(1, state.first_seq), last: state.last_seq, messages: state.messages };
    },
    async firstFrom(sequence) {
      const found = await readNextBySubject(connection, { from: sequence, subject: '>' });
      return found === undefined ? undefined : { sequence: found.sequence, at: found.at };
    },
    async missing() {
      const { last, messages } = await this.state();
      return last - messages;
    },
    async fingerprintAt(sequence) {
      const message = await readMessage(connection, sequence);
      return message === undefined ? undefined : fingerprintOf(storedEntryOf(message));
    },
    fingerprintOf,
    decode: (entry) => fullEntryOf({ ...entry, data: Buffer.from(entry.body as string), headers: parseKept(entry.headers) }),
    follow: (from, onEntry, signal) =>
      followMessages({ connection, from, headersOnly: false, onProblem, signal }, (message) => onEntry(sourceEntryOf(message))),
  };
}

function sourceEntryOf(message: Message): SourceEntry {
  const kept = keptOf(message);
  // Taken apart once for both.
  const content = fullEntryOf(kept === undefined ? message : { ...placeOf(message), data: message.data, headers: readerOf(kept) });
  return { ...storedEntryOf(message, kept), content };
}

function storedEntryOf(message: Message, kept = keptOf(message)): StoredEntry {
  return { ...placeOf(message), headers: kept === undefined ? null : JSON.stringify(kept), body: textOf(message.data) };
}

function placeOf({ sequence, at, subject }: Message): Pick<StoredEntry, 'sequence' | 'at' | 'subject'> {
  return { sequence, at, subject };
}

function fingerprintOf({ at, subject, headers: found, body }: StoredEntry): string {
  return createHash('sha1')
    .update(`${at}\n${subject}\n${found ?? ''}\n`)
    .update(body)
    .digest('base64');
}

/** Its headers may be taken apart only now. */
type Message = Readonly<StoredMessage>;
type Kept = Record<string, string>;
const names = Object.values(requestHeader);

/** Only what a request is made of: the log adds and drops others. */
function keptOf(message: Message): Kept | undefined {
  const found = message.subject.startsWith('invoke.') ? message.headers : undefined;
  if (found === undefined) return undefined;
  const kept: Kept = {};
  for (const name of names) {
    const value = found.get(name);
    if (value !== '') kept[name] = value;
  }
  return kept;
}

function readerOf(kept: Kept): HeaderReader {
  return { get: (name) => kept[name] ?? '' };
}

function parseKept(text: string | null): HeaderReader | undefined {
  return text === null ? undefined : readerOf(JSON.parse(text) as Kept);
}

function textOf(data: Uint8Array): string | Uint8Array {
  return isUtf8(data) ? Buffer.from(data.buffer, data.byteOffset, data.length).toString() : data;
}
