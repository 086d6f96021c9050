import type { Msg } from 'nats';
import { LogFullError, NotPermittedError, UnknownOutcomeError } from '#src/core/errors.ts';
import {
  type Append,
  type EventLog,
  type LogEntry,
  NO_APPENDS,
  type RecordedAppend,
  type StreamName,
  type StreamVersion,
} from '#src/core/log/event-log.ts';
import { decodeRequest, encodeRequests, type HeaderReader, streamOfRequest } from '#src/core/log/request-messages.ts';
import type { Results } from '#src/core/log/results.ts';
import { subjects } from '#src/core/names/subjects.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import type { Hints } from '#src/core/stream/hints.ts';
import type { Connection } from '#src/nats/transport/connection.ts';
import { addEphemeralConsumer } from '#src/nats/transport/consumers.ts';
import type { PublishAnswer, Publisher } from '#src/nats/transport/publisher.ts';
import { parseDelivery, startPull } from '#src/nats/transport/pull.ts';
import { appendHeaders, decodeAppend, decodeWakeTimes, encodeAppend, header } from '#src/nats/wire/codec.ts';
import { fullEntryOf } from '#src/nats/wire/full-entry.ts';
import type { HintSigner } from '#src/nats/wire/hint-signer.ts';
import { inlineStateOf } from '#src/nats/wire/inline-state.ts';
import { readLastBySubject, readMessage, readNextBySubject } from '#src/nats/wire/stored-messages.ts';
import { INVOCATIONS, parseSubject } from '#src/nats/wire/topology.ts';
import { headersOf, wireHeaders } from '#src/nats/wire/wire-headers.ts';

export type NatsEventLogOptions = {
  connection: Connection;
  publisher: Publisher;
  clock: Clock;
  /** How long an append or a read without an answer is repeated before it counts as failed, in milliseconds; 60 s unless it is said. */
  budgetInMs?: number;
  onProblem?: (problem: string) => void;
};

/** The log on JetStream. Keeps the append protocol: see `append` and `accept`. */
export function createNatsEventLog(options: NatsEventLogOptions): EventLog {
  const { connection, publisher, clock, budgetInMs = 60_000, onProblem = () => {} } = options;

  async function read(name: StreamName, after: StreamVersion) {
    const found = [];
    let next = after + 1;
    for (;;) {
      const message = await readNextBySubject(connection, { from: next, subject: subjects.invocation(name), budgetInMs });
      if (message === undefined) return found;
      found.push(decodeAppend(message.data, message.sequence) ?? unreadable(message.sequence));
      next = message.sequence + 1;
    }
  }

  async function findOwn(name: StreamName, { id, previous }: Append): Promise<StreamVersion | undefined> {
    return (await read(name, previous)).find((found) => found.id === id)?.version;
  }

  return {
    read,
    get maxAppendBytes() {
      return maxPayload(connection);
    },

    /**
     * Invariant (A1, E3): an append is stored at most once, because it expects a version, and a repetition after an unknown
     * answer expects the same one. A conflict after an unknown answer may be with our own append: its id tells.
     */
    async append(name, append, wakeTimes) {
      const subject = subjects.invocation(name);
      const payload = encodeAppend(append);
      const sent = appendHeaders(append.previous, wakeTimes);
      const startedAt = clock.now();
      let isUnsure = false;
      for (let tries = 0; ; tries++) {
        const answer = await publisher.publish(subject, payload, sent);
        if (answer.kind === 'stored') return answer.sequence as StreamVersion;
        if (answer.kind === 'conflict') return isUnsure ? await findOwn(name, append) : undefined;
        isUnsure ||= answer.kind === 'unknown';
        if (isLast(answer, { isUnsure, isOver: clock.now() - startedAt > budgetInMs }))
          throw failure(append.id, told(answer, isUnsure), budgetInMs);
        await clock.sleep(pause(tries));
      }
    },

    /** A repetition carries the same ids, and the second of two requests of one id starts nothing: so repeating is safe. */
    async accept(name, requests) {
      const { payload, headers: found } = encodeRequests(name.stream, requests);
      // The server answers with the sequence of the first request of this id, whichever process sent that.
      if (requests[0]?.once) found.push(['Nats-Msg-Id', `request.${name.function}.${name.stream}`]);
      const sent = wireHeaders(found);
      const startedAt = clock.now();
      let isUnsure = false;
      for (let tries = 0; ; tries++) {
        const answer = await publisher.publish(subjects.invoke(name.function), payload, sent);
        // A duplicate after a try without an answer is that very try.
        if (answer.kind === 'stored') return { sequence: answer.sequence, isRepeated: answer.isDuplicate === true && !isUnsure };
        const isOver = clock.now() - startedAt > budgetInMs;
        isUnsure ||= answer.kind === 'unknown';
        if (answer.kind === 'refused' || answer.kind === 'conflict' || isOver)
          throw failure(requests[0]?.id ?? name.stream, told(answer, isUnsure), budgetInMs);
        await clock.sleep(pause(tries));
      }
    },

    async readRequest(sequence) {
      const message = await readMessage(connection, sequence, budgetInMs);
      const parts = message === undefined ? undefined : parseSubject(message.subject);
      if (message === undefined || parts?.kind !== 'invoke') return undefined;
      return decodeRequest(parts, message);
    },

    async find(stream) {
      const message = await readLastBySubject(connection, subjects.anyFunctionOf(stream), budgetInMs);
      const parts = message === undefined ? undefined : parseSubject(message.subject);
      return parts?.kind === 'invocation' ? parts.name : undefined;
    },

    async lastSequence() {
      return (await connection.manager.streams.info(INVOCATIONS)).state.last_seq;
    },

    follow: (from, onEntry, signal) =>
      followMessages({ connection, from, headersOnly: true, onProblem, signal }, (message) => onEntry(entryOf(message))),

    followFully: (from, onEntry, signal) =>
      followMessages({ connection, from, headersOnly: false, onProblem, signal }, (message) => onEntry(fullEntryOf(message))),
  };
}

/** Hints and results on JetStream. A lost hint is given again by the scheduler; a result is repeated until it is stored. */
export function createNatsHints({ connection, signer }: { connection: Connection; signer: HintSigner }): Hints {
  const publish = (subject: string, hint: Uint8Array, id: string, signature?: string): void => {
    // Two schedulers that give the same hint within the window of deduplication give it once.
    const own: [string, string][] = signature === undefined ? [] : [[header.hintSignature, signature]];
    const found = wireHeaders([['Nats-Msg-Id', id], ...own]);
    if (!connection.nats.isClosed()) connection.nats.publish(subject, hint, { headers: found });
  };
  return {
    wake: ({ function: name, stream }, request, id) => publish(subjects.wake(name), encode({ stream, request }), `wake.${id}`),
    deliver({ function: name, stream }, request, id, state) {
      const subject = subjects.deliver(name);
      const known = inlineStateOf(state);
      const hint = known === undefined ? undefined : encode({ stream, request, known });
      const signature = hint === undefined ? undefined : signer.sign(subject, hint);
      if (hint === undefined || signature === undefined) publish(subject, encode({ stream, request }), `deliver.${id}`);
      else publish(subject, hint, `deliver.${id}`, signature);
    },
  };
}

function encode(hint: object): Uint8Array {
  return Buffer.from(JSON.stringify(hint));
}

export function createNatsResults(options: Omit<NatsEventLogOptions, 'onProblem'>): Results {
  const { connection, publisher, clock, budgetInMs = 60_000 } = options;
  return {
    get maxBytes() {
      return maxPayload(connection);
    },
    async publish(name, id, outcome, envelope) {
      const sent = wireHeaders([[header.requestId, id]]);
      const startedAt = clock.now();
      for (let tries = 0; ; tries++) {
        const answer = await publisher.publish(subjects.result(name.function, outcome), envelope, sent);
        if (answer.kind === 'stored') return;
        if (isLast(answer, { isUnsure: false, isOver: clock.now() - startedAt > budgetInMs })) throw failure(id, answer, budgetInMs);
        await clock.sleep(pause(tries));
      }
    },
  };
}

/** What a message may hold beside its headers. */
function maxPayload({ nats }: Connection): number {
  return (nats.info?.max_payload ?? 1_048_576) - 4_096;
}

type Told = { kind: string; why?: string; isForbidden?: true };

/** What an answer tells about all tries: a refusal says nothing about an earlier one whose answer was lost (A1). */
function told(answer: PublishAnswer, isUnsure: boolean): Told {
  return isUnsure ? { kind: 'unknown' } : answer;
}

/** Whether there is no further try: the budget is spent, or the permission is missing, which nobody grants within the budget. */
function isLast(answer: PublishAnswer, { isUnsure, isOver }: { isUnsure: boolean; isOver: boolean }): boolean {
  return isOver || (answer.kind === 'refused' && answer.isForbidden === true && !isUnsure);
}

function failure(id: string, answer: Told, waitedInMs: number): Error {
  const { kind, why = 'refused', isForbidden: isNotPermitted = false } = answer;
  if (isNotPermitted) return new NotPermittedError({ message: why });
  return kind === 'refused' ? new LogFullError({ why }) : new UnknownOutcomeError({ id, waitedInMs }, { cause: answer.why });
}

const pause = (tries: number): number => Math.min(50 * 2 ** tries, 1_000);

type Followed = { subject: string; data: Uint8Array; headers: HeaderReader | undefined; sequence: number; at: number };

type FollowOptions = {
  connection: Connection;
  from: number;
  headersOnly: boolean;
  onProblem: (problem: string) => void;
  signal: AbortSignal;
};

/**
 * Invariant: messages are handed over in order and none is left out; after any loss reading goes on behind the last one. Only
 * when the log itself is shorter than before are messages handed over again.
 */
export async function followMessages(options: FollowOptions, onMessage: (message: Followed) => void): Promise<void> {
  const { connection, from, headersOnly, onProblem, signal } = options;
  let last = from - 1;
  let expected = 1;
  const openConsumer = async (): Promise<string> => {
    const { manager } = connection;
    const newest = (await manager.streams.info(INVOCATIONS)).state.last_seq;
    if (newest < last) {
      // A power cut, or a stream made anew: new messages reuse the numbers of lost ones, so all of it is read again.
      onProblem(`the log ends at ${newest} and was read up to ${last}: it lost messages; reading it again from its beginning`);
      last = 0;
    }
    const { name } = await addEphemeralConsumer(manager, INVOCATIONS, { from: last + 1, headersOnly });
    expected = 1;
    return name;
  };
  const onDelivery = (message: Msg): void => {
    const { sequence, consumerSequence, at } = parseDelivery(message.reply ?? '');
    // A message of an earlier consumer, or one behind a gap: this consumer is not to be trusted further.
    if (sequence <= last) return;
    if (consumerSequence !== expected) return pull.reopen();
    expected++;
    last = sequence;
    onMessage(new FollowedMessage(message, sequence, at));
  };
  const pull = startPull({ connection, stream: INVOCATIONS, openConsumer, demand: () => 4_000, onMessage: onDelivery, onProblem, signal });
  await pull.done;
}

/** Headers are read when they are asked for: most readers of whole messages ask for those of requests alone. */
class FollowedMessage implements Followed {
  readonly subject: string;
  readonly data: Uint8Array;
  readonly sequence: number;
  readonly at: number;
  readonly #message: Msg;
  constructor(message: Msg, sequence: number, at: number) {
    this.subject = message.subject;
    this.data = message.data;
    this.sequence = sequence;
    this.at = at;
    this.#message = message;
  }
  get headers(): HeaderReader | undefined {
    return headersOf(this.#message);
  }
}

function entryOf({ subject, headers: found, sequence, at }: Followed): LogEntry {
  const parts = parseSubject(subject);
  switch (parts.kind) {
    case 'invoke':
      return {
        kind: 'request',
        sequence,
        at,
        name: { function: parts.function, stream: streamOfRequest({ headers: found, sequence, at }) },
      };
    case 'invocation':
      return { kind: 'append', sequence, at, name: parts.name, wakeTimes: decodeWakeTimes(found) };
    default:
      return { kind: 'hint', sequence, at };
  }
}

function unreadable(sequence: number): RecordedAppend {
  return { id: '', previous: NO_APPENDS, request: 0, by: '', facts: [], version: sequence as StreamVersion };
}
