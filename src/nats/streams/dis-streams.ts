import { headers } from 'nats';
import { messageOf } from '#src/core/errors.ts';
import { subjects } from '#src/core/names/subjects.ts';
import type { Connection } from '#src/nats/transport/connection/connection.ts';
import type { Publisher } from '#src/nats/transport/publisher.ts';
import { ensureStream } from '#src/nats/transport/streams/ensure-stream.ts';
import { DIS_RECORDS, disStream, type StreamOptions } from '#src/nats/wire/topology.ts';
import { type Publication, publicationOf } from './publications.ts';

export type DisStreamsOptions = {
  connection: Connection;
  publisher: Publisher;
  topology: StreamOptions;
  onProblem?: (problem: string) => void;
};

type DisRecord = { stream: string; partitionKey: string; data: string; timestamp: number; deliveryId: string };

/**
 * The streams of DIS, as one JetStream stream.
 *
 * The JetStream stream is created at the first record. If that fails, the record fails with the reason, and the next record retries. The
 * usual reasons (a stream with the same subjects, a limit of the account, a missing permission) then affect no other destination.
 */
export function createDisStreams({ connection, publisher, topology, onProblem = () => {} }: DisStreamsOptions) {
  let ensured: Promise<void> | undefined;
  let lastProblem = '';

  function ensure(): Promise<void> {
    ensured ??= ensureStream(connection, disStream(topology)).catch((cause: unknown) => {
      ensured = undefined;
      const problem = `the stream ${DIS_RECORDS} cannot be created: ${messageOf(connection.refusals.explain(cause))}`;
      if (problem !== lastProblem) onProblem(problem);
      lastProblem = problem;
      throw new Error(problem, { cause });
    });
    return ensured;
  }

  return {
    async publishRecord({ stream, partitionKey: partition_key, data, timestamp, deliveryId }: DisRecord): Promise<Publication> {
      try {
        await ensure();
      } catch (error) {
        return { kind: 'failed', reason: messageOf(error) };
      }
      const sent = headers();
      sent.set('Nats-Msg-Id', deliveryId);
      const answer = await publisher.publish(subjects.disRecord(stream), JSON.stringify({ partition_key, data, timestamp }), sent);
      // An operator may have removed the stream.
      if (answer.kind === 'unknown') ensured = undefined;
      return publicationOf(answer);
    },
  };
}
