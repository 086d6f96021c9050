import type { Msg } from 'nats';
import type { Connection } from '#src/nats/transport/connection/connection.ts';
import { addEphemeralConsumer } from '#src/nats/transport/streams/consumers.ts';
import { Pull } from '#src/nats/transport/streams/pull.ts';
import { openOnOneStream } from '#src/nats/transport/streams/watch-identity.ts';
import { parseAckSubject } from '#src/nats/wire/ack-subject.ts';
import { header } from '#src/nats/wire/codec.ts';
import { RESULTS } from '#src/nats/wire/topology.ts';

/** A message of the RESULTS stream. */
export type ResultMessage = { sequence: number; subject: string; requestId: string; envelope: string };

export type ResultFeedOptions = {
  /** `result.<function>.<outcome>`; both tokens may be `*`. */
  subject: string;
  /** `now`, or the sequence of the first result. */
  from: 'now' | number;
  /** How many further results may be delivered, at this moment. */
  demand: () => number;
  signal: AbortSignal;
};

/**
 * Delivers results in order until the signal aborts, without a gap after a lost connection. Resolves when the start position is fixed, to the pull,
 * which is poked when the demand has risen.
 */
export async function followResults(
  connection: Connection,
  options: ResultFeedOptions,
  onResult: (result: ResultMessage) => void,
): Promise<Pull> {
  const { subject, from, demand, signal } = options;
  const { manager } = connection;
  let next = from === 'now' ? (await manager.streams.info(RESULTS)).state.last_seq + 1 : from;
  const openConsumer = openOnOneStream(connection, {
    stream: RESULTS,
    open: async () => (await addEphemeralConsumer(manager, RESULTS, { from: next, subject })).name,
    restart() {
      next = 1;
    },
  });
  return new Pull({
    connection,
    stream: RESULTS,
    openConsumer,
    demand,
    signal,
    onProblem: () => {},
    onMessage: (message: Msg) => {
      const { sequence } = parseAckSubject(message.reply ?? '');
      if (sequence < next) return;
      next = sequence + 1;
      onResult({ sequence, subject: message.subject, requestId: message.headers?.get(header.requestId) ?? '', envelope: message.string() });
    },
  });
}
