import type { Msg } from 'nats';
import type { HeaderReader } from '#src/core/log/request-messages.ts';
import type { Connection } from '#src/nats/transport/connection.ts';
import { addEphemeralConsumer } from '#src/nats/transport/consumers.ts';
import { startPull } from '#src/nats/transport/pull.ts';
import { parseAckSubject } from '#src/nats/wire/ack-subject.ts';
import type { StoredMessage } from '#src/nats/wire/stored-messages.ts';
import { INVOCATIONS } from '#src/nats/wire/topology.ts';
import { headersOf } from '#src/nats/wire/wire-headers.ts';

export type FollowOptions = {
  connection: Connection;
  /** The sequence of the first message. */
  from: number;
  headersOnly: boolean;
  onProblem: (problem: string) => void;
  signal: AbortSignal;
};

const MAX_REQUESTED = 4_000;

/**
 * Delivers the messages of the log in order and without a gap, until the signal aborts.
 *
 * 1. After any loss, reading continues after the last delivered message.
 * 2. A message with an unexpected consumer sequence follows a gap. The consumer is replaced, and the message is delivered again.
 * 3. If the log has become shorter, all of its messages are delivered again from the first, because new messages reuse lost sequences.
 */
export async function followMessages(options: FollowOptions, onMessage: (message: Readonly<StoredMessage>) => void): Promise<void> {
  const { connection, from, headersOnly, onProblem, signal } = options;
  let last = from - 1;
  let expected = 1;
  const openConsumer = async (): Promise<string> => {
    const { manager } = connection;
    const newest = (await manager.streams.info(INVOCATIONS)).state.last_seq;
    if (newest < last) {
      // After a power cut, or when an operator created the stream again.
      onProblem(`the log ends at ${newest} but was read up to ${last}: it lost messages, so it is read again from its beginning`);
      last = 0;
    }
    const { name } = await addEphemeralConsumer(manager, INVOCATIONS, { from: last + 1, headersOnly });
    expected = 1;
    return name;
  };
  const onDelivery = (message: Msg): void => {
    const { sequence, consumerSequence, at } = parseAckSubject(message.reply ?? '');
    // A late message of an earlier consumer.
    if (sequence <= last) return;
    if (consumerSequence !== expected) return pull.reopen();
    expected++;
    last = sequence;
    onMessage(new FollowedMessage(message, sequence, at));
  };
  const pull = startPull({
    connection,
    stream: INVOCATIONS,
    openConsumer,
    demand: () => MAX_REQUESTED,
    onMessage: onDelivery,
    onProblem,
    signal,
  });
  await pull.done;
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
