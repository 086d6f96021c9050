import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import { entryIdOf, type FullLogEntry } from '#src/core/log/event-log.ts';
import type { LogSource, SourceEntry, StoredEntry } from '#src/core/log/log-source.ts';
import { type HeaderReader, requestHeader } from '#src/core/log/requests/request-messages.ts';
import { followMessages } from '#src/nats/streams/feeds/follow.ts';
import type { Connection } from '#src/nats/transport/connection/connection.ts';
import { fullEntryOf } from '#src/nats/wire/full-entry.ts';
import { readMessage, readNextBySubject, type StoredMessage } from '#src/nats/wire/stored-messages.ts';
import { readLogState } from './log-state.ts';

/** The log on JetStream, with the exact bytes of its messages. */
export function createNatsLogSource({
  connection,
  onProblem = () => {},
  deletesConsumers,
}: {
  connection: Connection;
  onProblem?: (problem: string) => void;
  /** For a reader of many short parts, which may delete consumers. */
  deletesConsumers?: boolean;
}): LogSource {
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
    async idAt(sequence) {
      const message = await readMessage(connection, sequence);
      return message === undefined ? undefined : entryIdOf(fullEntryOf(message));
    },
    fingerprintOf,
    decode: decodeStored,
    follow: (from, onEntry, signal, pace) =>
      followMessages({ connection, from, headersOnly: false, onProblem, signal, pace, deletesConsumer: deletesConsumers }, (message) =>
        onEntry(sourceEntryOf(message)),
      ),
  };
}

/** Decodes a stored message. */
export function decodeStored(entry: StoredEntry): FullLogEntry {
  return fullEntryOf({ ...entry, data: entry.body, headers: parseHeaders(entry.headers) });
}

/** Headers and text are decoded once for both the content and the stored entry. */
function sourceEntryOf(message: Message): SourceEntry {
  const headers = requestHeadersOf(message);
  const body = textOf(message.data);
  const { sequence, at, subject } = message;
  // The headers of an append are parsed only when they are read.
  const reader = headers === undefined ? undefined : readerOf(headers);
  const content = fullEntryOf(new ReadEntry(message, body, reader));
  return { sequence, at, subject, headers: headers === undefined ? null : JSON.stringify(headers), body, content };
}

/** A message whose payload is decoded. */
class ReadEntry {
  readonly sequence: number;
  readonly at: number;
  readonly subject: string;
  readonly data: string | Uint8Array;
  readonly #message: Message;
  readonly #headers: HeaderReader | undefined;
  constructor(message: Message, data: string | Uint8Array, headers: HeaderReader | undefined) {
    this.sequence = message.sequence;
    this.at = message.at;
    this.subject = message.subject;
    this.data = data;
    this.#message = message;
    this.#headers = headers;
  }
  get headers(): HeaderReader | undefined {
    return this.#headers ?? this.#message.headers;
  }
}

function storedEntryOf(message: Message): StoredEntry {
  const headers = requestHeadersOf(message);
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
  const reader = startsAsRequest(message.subject) ? message.headers : undefined;
  if (reader === undefined) return undefined;
  const found: RequestHeaders = {};
  for (const name of names) {
    const value = reader.get(name);
    if (value !== '') found[name] = value;
  }
  return found;
}

/** Cheaper than to parse the subject, for every message of the log. */
function startsAsRequest(subject: string): boolean {
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
