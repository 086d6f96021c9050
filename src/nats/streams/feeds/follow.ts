import type { Msg } from 'nats';
import type { Pace } from '#src/core/log/log-source.ts';
import { confirmRegression, type Suspicion } from '#src/core/log/losses/regression.ts';
import type { HeaderReader } from '#src/core/log/requests/request-messages.ts';
import { systemClock } from '#src/core/ports/clock.ts';
import { readLogState } from '#src/nats/streams/log/log-state.ts';
import type { Connection } from '#src/nats/transport/connection/connection.ts';
import { addEphemeralConsumer, deleteConsumer } from '#src/nats/transport/streams/consumers.ts';
import { Pull } from '#src/nats/transport/streams/pull.ts';
import { parseAckSubject } from '#src/nats/wire/ack-subject.ts';
import { readMessage, readNextBySubject, type StoredMessage } from '#src/nats/wire/stored-messages.ts';
import { INVOCATIONS } from '#src/nats/wire/topology.ts';
import { headersOf } from '#src/nats/wire/wire-headers.ts';

export type FollowOptions = {
  connection: Connection;
  /** The sequence of the first message. */
  from: number;
  headersOnly: boolean;
  onProblem: (problem: string) => void;
  signal: AbortSignal;
  /** Without it, the reader never pauses in a burst. */
  pace?: Pace | undefined;
  /** As in `EventLog.follow`; by default that of the pace. */
  pauseInMs?: (() => number) | undefined;
  /**
   * Deletes the consumer at the end, which only some roles may. Otherwise the server keeps it for a minute, and tells it of every new message: a
   * reader of many short parts of a busy log would leave dozens.
   */
  deletesConsumer?: boolean | undefined;
};

const MAX_REQUESTED = 4_000;

/**
 * Delivers the messages of the log in order and without a gap, until the signal aborts.
 *
 * 1. After any loss, reading continues after the last delivered message.
 * 2. A message with an unexpected consumer sequence follows a gap. The consumer is replaced, and the message is delivered again.
 * 3. If the log went backwards (REG1), all of its messages are delivered again from the first, because new messages reuse lost sequences. The
 *    identity of the log is read before a consumer is opened, and again afterwards.
 * 4. A replica can stay behind for a minute after a partition, and its consumers with it. When the leader holds a message that does not
 *    arrive for five seconds, the consumer is replaced; the new one may be on another server.
 */
export async function followMessages(options: FollowOptions, onMessage: (message: Readonly<StoredMessage>) => void): Promise<void> {
  const { connection, from, headersOnly, onProblem, signal, pace, pauseInMs = pace && (() => pace.pauseInMs()) } = options;
  let last = from - 1;
  let lastAt: number | undefined;
  let lastSubject: string | undefined;
  let created: string | undefined;
  let consumer: string | undefined;
  let expected = 1;
  const suspect = () => suspectRegression(connection, { sequence: last, at: lastAt, subject: lastSubject, created });
  /** Resolves to the identity of the log in which the position of this reader counts. */
  const confirmLog = async (): Promise<string> => {
    // After a power cut, or when an operator created the stream again.
    const why = await confirmRegression(suspect, { clock: systemClock, signal });
    if (why !== undefined) {
      onProblem(`${why}: the log lost messages, so it is read again from its beginning`);
      last = 0;
      lastSubject = undefined;
      created = undefined;
    }
    created ??= (await readLogState(connection)).created;
    return created;
  };
  const open = async (): Promise<string> => {
    const { name } = await addEphemeralConsumer(connection.manager, INVOCATIONS, { from: last + 1, headersOnly });
    expected = 1;
    consumer = name;
    return name;
  };
  const onDelivery = (message: Msg): void => {
    const { sequence, consumerSequence, at } = parseAckSubject(message.reply ?? '');
    // A late message of an earlier consumer.
    if (sequence <= last) return;
    if (consumerSequence !== expected) return pull.reopen();
    expected++;
    last = sequence;
    lastAt = at;
    lastSubject = message.subject;
    onMessage(new FollowedMessage(message, sequence, at));
  };
  const pull = new Pull({
    connection,
    stream: INVOCATIONS,
    openConsumer: () => openOnOneLog(connection, confirmLog, open),
    demand: () => pace?.demand() ?? MAX_REQUESTED,
    maxBytes: pace && (() => pace.maxBytes()),
    pauseInMs,
    onMessage: onDelivery,
    onProblem,
    signal,
  });
  const endRelease = pace?.onRelease(() => pull.poke());
  const watch = watchForStall(connection, { last: () => last, isPaused: () => pace?.demand() === 0, onStall: () => pull.reopen() });
  await pull.done;
  endRelease?.();
  clearInterval(watch);
  // The server removes a consumer that could not be deleted.
  const isDeletable = options.deletesConsumer === true && connection.isConnected;
  if (isDeletable && consumer !== undefined) await deleteConsumer(connection.manager, consumer).catch(() => {});
}

const MAX_OPENINGS = 5;

/**
 * Opens a consumer in the log in which the position of the reader counts. When the log is created again after that was confirmed, the consumer is one
 * of the new log, and would skip its first messages: the position is then confirmed, and a consumer opened, once more (STRM2).
 */
async function openOnOneLog(connection: Connection, confirmLog: () => Promise<string>, open: () => Promise<string>): Promise<string> {
  for (let openings = 0; openings < MAX_OPENINGS; openings++) {
    const created = await confirmLog();
    const name = await open();
    if ((await readLogState(connection)).created === created) return name;
  }
  throw new Error(`the log was created again ${MAX_OPENINGS} times while its consumer was opened`);
}

const STALLED_AFTER_MS = 5_000;

type StallWatch = { last: () => number; isPaused: () => boolean; onStall: () => void };

/** Reports a stall when nothing was read for a while although the leader holds a newer message. */
function watchForStall(connection: Connection, { last, isPaused, onStall }: StallWatch): NodeJS.Timeout {
  let previous = last();
  const check = async (): Promise<void> => {
    const present = last();
    if (present !== previous || isPaused()) {
      previous = present;
      return;
    }
    const newer = await readNextBySubject(connection, { from: present + 1, subject: '>', budgetInMs: 0 });
    if (newer !== undefined && last() === present) onStall();
  };
  // Without an answer, the next check asks again.
  return setInterval(() => void check().catch(() => {}), STALLED_AFTER_MS).unref();
}

/** The last message that was read, and its log. A follower that has read nothing yet knows only a sequence. */
type LastRead = { sequence: number; at: number | undefined; subject: string | undefined; created: string | undefined };

const ANSWER_WITHIN_MS = 5_000;

/** Compares the last message that was read with the leader's message at that sequence. */
async function suspectRegression(connection: Connection, { sequence, at, subject, created }: LastRead): Promise<Suspicion | undefined> {
  const { last, authority, created: createdNow } = await readLogState(connection);
  if (created !== undefined && created !== createdNow) return { why: `the log was created again on ${createdNow}`, authority };
  if (last < sequence) return { why: `the log ends at ${last} but was read up to ${sequence}`, authority };
  if (subject === undefined) return undefined;
  const found = await readMessage(connection, sequence, ANSWER_WITHIN_MS);
  // A message that is gone may have been purged.
  if (found === undefined || (found.at === at && found.subject === subject)) return undefined;
  return { why: `message ${sequence} of the log is not the message that was read`, authority };
}

/** Parses the headers only when they are read, because most readers need those of requests alone (docs/performance.md V4). */
class FollowedMessage implements Readonly<StoredMessage> {
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
