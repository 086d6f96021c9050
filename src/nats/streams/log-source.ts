import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import type { FullLogEntry } from '#src/core/log/event-log.ts';
import type { LogSource, SourceEntry, StoredEntry } from '#src/core/log/log-source.ts';
import { type HeaderReader, requestHeader } from '#src/core/log/request-messages.ts';
import type { Connection } from '#src/nats/transport/connection.ts';
import { fullEntryOf, type IsOwn } from '#src/nats/wire/full-entry.ts';
import { readMessage, readNextBySubject, type StoredMessage } from '#src/nats/wire/stored-messages.ts';
import { followMessages } from './follow.ts';
import { isOwnRequest } from './former-requests.ts';
import { readLogState } from './log-state.ts';

/** The log on JetStream, with the exact bytes of its messages. */
export function createNatsLogSource({
  connection,
  onProblem = () => {},
}: {
  connection: Connection;
  onProblem?: (problem: string) => void;
}): LogSource {
  const isOwn: IsOwn = (parts, sequence) => isOwnRequest(connection, parts, sequence);
  return {
    state: () => readLogState(connection),
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
    decode: (entry) => decodeStored(entry, isOwn),
    follow: (from, onEntry, signal) =>
      followMessages({ connection, from, headersOnly: false, onProblem, signal }, (message) => onEntry(sourceEntryOf(message, isOwn))),
  };
}

/** Decodes a stored message. `isOwn` decides whether Sequent's own user published a request: the message does not contain the answer. */
export function decodeStored(entry: StoredEntry, isOwn: IsOwn): FullLogEntry {
  return fullEntryOf({ ...entry, data: Buffer.from(entry.body as string), headers: parseHeaders(entry.headers) }, isOwn);
}

function sourceEntryOf(message: Message, isOwn: IsOwn): SourceEntry {
  // Parsed once for both the content and the stored entry.
  const headers = requestHeadersOf(message);
  const read = headers === undefined ? message : { ...positionOf(message), data: message.data, headers: readerOf(headers) };
  const content = fullEntryOf(read, isOwn);
  return { ...storedEntryOf(message, headers), content };
}

function storedEntryOf(message: Message, headers = requestHeadersOf(message)): StoredEntry {
  return { ...positionOf(message), headers: headers === undefined ? null : JSON.stringify(headers), body: textOf(message.data) };
}

function positionOf({ sequence, at, subject }: Message): Pick<StoredEntry, 'sequence' | 'at' | 'subject'> {
  return { sequence, at, subject };
}

function fingerprintOf({ at, subject, headers, body }: StoredEntry): string {
  return createHash('sha1')
    .update(`${at}\n${subject}\n${headers ?? ''}\n`)
    .update(body)
    .digest('base64');
}

/** `headers` may be a getter that parses, so a function reads it once. */
type Message = Readonly<StoredMessage>;
type RequestHeaders = Record<string, string>;
const names = Object.values(requestHeader);

/** Returns the headers that define a request. JetStream adds and removes others, which would change the fingerprint. */
function requestHeadersOf(message: Message): RequestHeaders | undefined {
  const reader = isRequestSubject(message.subject) ? message.headers : undefined;
  if (reader === undefined) return undefined;
  const found: RequestHeaders = {};
  for (const name of names) {
    const value = reader.get(name);
    if (value !== '') found[name] = value;
  }
  return found;
}

function isRequestSubject(subject: string): boolean {
  return subject.startsWith('invoke.') || subject.startsWith('derived.');
}

function readerOf(headers: RequestHeaders): HeaderReader {
  return { get: (name) => headers[name] ?? '' };
}

function parseHeaders(text: string | null): HeaderReader | undefined {
  return text === null ? undefined : readerOf(JSON.parse(text) as RequestHeaders);
}

function textOf(data: Uint8Array): string | Uint8Array {
  return isUtf8(data) ? Buffer.from(data.buffer, data.byteOffset, data.length).toString() : data;
}
