import { createHash } from 'node:crypto';
import { headers, type MsgHdrs } from 'nats';
import type { LogSource, SourceEntry, StoredEntry } from '#src/core/log-source.ts';
import { requestHeader } from '#src/core/request-messages.ts';
import type { Connection } from './connection.ts';
import { followMessages, fullEntryOf } from './event-log.ts';
import { readMessage, readNextBySubject, type StoredMessage } from './stored-messages.ts';
import { INVOCATIONS } from './topology.ts';

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
      const manager = await connection.nats.jetstreamManager({ checkAPI: false });
      const { created, state } = await manager.streams.info(INVOCATIONS);
      return { created: String(created), first: Math.max(1, state.first_seq), last: state.last_seq, messages: state.messages };
    },
    async firstFrom(sequence) {
      const found = await readNextBySubject(connection, sequence, '>');
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
    decode: (entry) => fullEntryOf({ ...entry, data: Buffer.from(entry.body as string), headers: parseHeaders(entry.headers) }),
    follow: (from, onEntry, signal) =>
      followMessages({ connection, from, headersOnly: false, onProblem, signal }, (message) => onEntry(sourceEntryOf(message))),
  };
}

function sourceEntryOf(message: StoredMessage): SourceEntry {
  return { ...storedEntryOf(message), content: fullEntryOf(message) };
}

function storedEntryOf({ sequence, at, subject, data, headers: found }: StoredMessage): StoredEntry {
  return { sequence, at, subject, headers: subject.startsWith('invoke.') ? formatHeaders(found) : null, body: textOf(data) };
}

function fingerprintOf({ at, subject, headers: found, body }: StoredEntry): string {
  return createHash('sha1')
    .update(`${at}\n${subject}\n${found ?? ''}\n`)
    .update(body)
    .digest('base64');
}

const names = Object.values(requestHeader);

/** Only what a request is made of: the log adds and drops others. */
function formatHeaders(found: MsgHdrs | undefined): string | null {
  if (found === undefined) return null;
  const kept: Record<string, string> = {};
  for (const name of names) {
    const value = found.get(name);
    if (value !== '') kept[name] = value;
  }
  return JSON.stringify(kept);
}

function parseHeaders(text: string | null): MsgHdrs | undefined {
  if (text === null) return undefined;
  const result = headers();
  for (const [name, value] of Object.entries(JSON.parse(text) as Record<string, string>)) result.set(name, value);
  return result;
}

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function textOf(data: Uint8Array): string | Uint8Array {
  try {
    return strict.decode(data);
  } catch {
    return data;
  }
}
