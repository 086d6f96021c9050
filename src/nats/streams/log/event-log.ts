import { NatsUnavailableError } from '#src/core/errors.ts';
import {
  type EventLog,
  type LogEntry,
  NO_APPENDS,
  type RecordedAppend,
  type RequestMessage,
  type StreamName,
  type StreamVersion,
} from '#src/core/log/event-log.ts';
import { decodeRequest, dueAtOfRequest, requestHeader, streamOfRequest } from '#src/core/log/requests/request-messages.ts';
import { type FunctionName, isRequestId, type StreamId } from '#src/core/names/names.ts';
import { subjects } from '#src/core/names/subjects.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import { streamInHint } from '#src/core/stream/hints.ts';
import { followMessages } from '#src/nats/streams/feeds/follow.ts';
import { type Connection, maxPayloadOf } from '#src/nats/transport/connection/connection.ts';
import type { Publisher } from '#src/nats/transport/publisher.ts';
import type { SharedCommits } from '#src/nats/transport/shared-commits.ts';
import { hasLeader } from '#src/nats/transport/streams/ensure-stream.ts';
import { decodeAppend, decodeLink, decodeWakeTimes } from '#src/nats/wire/codec.ts';
import { fullEntryOf } from '#src/nats/wire/full-entry.ts';
import { listSubjects, readAllBySubject, readMessage, readNextBySubject, type StoredMessage } from '#src/nats/wire/stored-messages.ts';
import { admitsRequests, INVOCATIONS, isRequest, parseSubject } from '#src/nats/wire/topology.ts';
import { createAccept } from './accept.ts';
import { createAppend } from './append.ts';
import { createLogEpoch, type LogEpoch } from './log-epoch.ts';

export type NatsEventLogOptions = {
  connection: Connection;
  publisher: Publisher;
  /** Publishes the appends; by default the publisher. */
  commits?: SharedCommits | undefined;
  clock: Clock;
  /** How long an append or a read without an answer is repeated before it fails, in milliseconds; 60 s by default. */
  budgetInMs?: number;
  /** Notes what the log acknowledged and refused; by default one of its own. */
  epoch?: LogEpoch;
  onProblem?: (problem: string) => void;
};

/** The log on JetStream. `append` and `accept` state the protocol of their publishes. */
export function createNatsEventLog(options: NatsEventLogOptions): EventLog {
  const { connection, publisher, commits = publisher, clock, budgetInMs = 60_000, onProblem = () => {} } = options;
  const epoch = options.epoch ?? createLogEpoch(connection, clock);

  async function read(name: StreamName, after: StreamVersion) {
    const found = await readAllBySubject(connection, { from: after + 1, subject: subjects.invocation(name), budgetInMs });
    return found.map(({ data, sequence }) => decodeAppend(data, sequence) ?? unreadable(sequence));
  }

  async function readRequest(sequence: number): Promise<RequestMessage | undefined> {
    const message = await readMessage(connection, sequence, budgetInMs);
    const parts = message === undefined ? undefined : parseSubject(message.subject);
    if (message === undefined || parts === undefined || !isRequest(parts)) return undefined;
    return decodeRequest(parts, { ...message, isOwn: parts.kind === 'derived' });
  }

  async function isRefusing(): Promise<boolean> {
    const info = await connection.manager.streams.info(INVOCATIONS).catch(() => undefined);
    return info !== undefined && !admitsRequests(info.config.subjects);
  }

  return {
    read,
    epoch: () => epoch.value,
    get maxAppendBytes() {
      return maxPayloadOf(connection);
    },

    append: createAppend({ connection, publisher: commits, clock, budgetInMs, epoch, read }),
    accept: createAccept({ connection, publisher, clock, budgetInMs, epoch, isRefusing, readRequest }),

    readRequest,

    async findAll(stream) {
      const found = await listSubjects(connection, subjects.anyFunctionOf(stream), { budgetInMs });
      return found.flatMap((subject) => {
        const parts = parseSubject(subject);
        return parts.kind === 'invocation' ? [parts.name] : [];
      });
    },

    firstFrom: (sequence) => readNextBySubject(connection, { from: sequence, subject: '>', budgetInMs }),

    timeOf: async (sequence) => (await readMessage(connection, sequence, budgetInMs))?.at,

    async lastSequence() {
      const info = await connection.manager.streams.info(INVOCATIONS);
      if (hasLeader(info)) return info.state.last_seq;
      throw new NatsUnavailableError({
        servers: connection.servers,
        why: 'the log has no leader: start the servers that are down, and repeat the call',
      });
    },

    follow: (from, onEntry, signal, pauseInMs) =>
      followMessages({ connection, from, headersOnly: true, onProblem, signal, pauseInMs }, (message) => onEntry(entryOf(message))),

    followFully: (from, onEntry, signal) =>
      followMessages({ connection, from, headersOnly: false, onProblem, signal }, (message) => onEntry(fullEntryOf(message))),
  };
}

function entryOf({ subject, headers, sequence, at }: Readonly<StoredMessage>): LogEntry {
  const parts = parseSubject(subject);
  switch (parts.kind) {
    case 'invoke':
    case 'derived': {
      const stream = streamOfRequest({ headers, sequence, at, isOwn: parts.kind === 'derived' });
      return {
        kind: 'request',
        sequence,
        at,
        name: { function: parts.function, stream },
        size: Number(headers?.get('Nats-Msg-Size') ?? 0),
        isBatch: (headers?.get(requestHeader.batch) ?? '') !== '' || undefined,
        ...dueIn(headers, at),
      };
    }
    case 'invocation':
      return { kind: 'append', sequence, at, name: parts.name, wakeTimes: decodeWakeTimes(headers), link: decodeLink(headers) };
    case 'wake':
      return { kind: 'hint', sequence, at, ...wakesOf(parts.function, headers) };
    default:
      return { kind: 'hint', sequence, at };
  }
}

function dueIn(headers: StoredMessage['headers'], at: number): { dueAt?: number } {
  const dueAt = dueAtOfRequest(headers, at);
  return dueAt === undefined ? {} : { dueAt };
}

/** The stream stands in the id of the hint, because its payload is not read. */
function wakesOf(fn: FunctionName, headers: StoredMessage['headers']): { wakes?: StreamName } {
  const stream = streamInHint(headers?.get('Nats-Msg-Id').slice('wake.'.length) ?? '');
  return isRequestId(stream) ? { wakes: { function: fn, stream: stream as string as StreamId } } : {};
}

function unreadable(sequence: number): RecordedAppend {
  return { id: '', previous: NO_APPENDS, request: 0, by: '', facts: [], version: sequence as StreamVersion, hash: '' };
}
