import { headers } from 'nats';
import { messageOf } from '#src/core/errors.ts';
import { subjects } from '#src/core/names/subjects.ts';
import type { Connection } from '#src/nats/transport/connection.ts';
import { ensureStream } from '#src/nats/transport/ensure-stream.ts';
import type { Publisher } from '#src/nats/transport/publisher.ts';
import { DIS_RECORDS, disStream } from '#src/nats/wire/topology.ts';
import { type Publication, publicationOf } from './publications.ts';

export type DisStreamsOptions = {
  connection: Connection;
  publisher: Publisher;
  replicas: number;
  onProblem?: (problem: string) => void;
};

type DisRecord = { stream: string; partitionKey: string; data: string; timestamp: number; deliveryId: string };

/**
 * The streams of DIS, as one JetStream stream.
 *
 * The JetStream stream is made for the first record. While it cannot be made, each record fails with the reason, and the next one
 * tries again: another stream on the subjects, a limit of the account or a missing permission concerns no other destination.
 */
export function createDisStreams({ connection, publisher, replicas, onProblem = () => {} }: DisStreamsOptions) {
  let present: Promise<void> | undefined;
  let told = '';

  function ensure(): Promise<void> {
    present ??= ensureStream(connection, disStream(replicas)).catch((cause: unknown) => {
      present = undefined;
      const problem = `the stream ${DIS_RECORDS} cannot be made: ${messageOf(connection.refusals.explain(cause))}`;
      if (problem !== told) onProblem(problem);
      told = problem;
      throw new Error(problem, { cause });
    });
    return present;
  }

  return {
    async publishRecord({ stream, partitionKey: partition_key, data, timestamp, deliveryId }: DisRecord): Promise<Publication> {
      try {
        await ensure();
      } catch (error) {
        return { kind: 'failed', reason: messageOf(error) };
      }
      const found = headers();
      found.set('Nats-Msg-Id', deliveryId);
      const answer = await publisher.publish(subjects.disRecord(stream), JSON.stringify({ partition_key, data, timestamp }), found);
      // Somebody may have removed the stream.
      if (answer.kind === 'unknown') present = undefined;
      return publicationOf(answer);
    },
  };
}
