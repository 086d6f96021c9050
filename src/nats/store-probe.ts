import { MAX_PAYLOAD_BYTES } from '#machines/facts.ts';
import { NO_FUNCTION } from '#src/core/names/names.ts';
import { subjects } from '#src/core/names/subjects.ts';
import type { StreamFacts } from './inspection.ts';
import type { Connection } from './transport/connection/connection.ts';
import { createPublisher } from './transport/publisher.ts';
import { isAtLeast } from './transport/server-version.ts';
import { partsSubject } from './wire/object-store.ts';
import { INVOCATIONS, PAYLOADS_BUCKET, PAYLOADS_STREAM } from './wire/topology.ts';
import { wireHeaders } from './wire/wire-headers.ts';

/**
 * `refused`: the server did not store a message with `bytes` bytes of payload, or did not answer. `forbidden`: the user of the connection may not write.
 * `untried`: the log is missing, has no leader or is full, or somebody changed its settings.
 */
export type StoreProbe =
  | { kind: 'stored' | 'forbidden' | 'untried' }
  | { kind: 'refused'; stream: string; bytes: number; why: string; isFull: boolean };

/** From this version on, the first write that fails stops a stream until the server is restarted. */
const STOPS_SINCE = '2.12';
const ANSWER_WITHIN_MS = 5_000;
const NO_ANSWER = `no answer within ${ANSWER_WITHIN_MS / 1_000} s; if its disk was full, nats-server must be restarted when the disk has room again`;

/**
 * Finds out whether NATS stores, by messages that no reader uses.
 *
 * 1. The log gets an empty hint at no function. JetStream reports a stream that stores nothing by the answer to a message alone, and answers
 *    a message of a wrong expected version without the disk.
 * 2. An older server refuses what exceeds the rest of its disk, and stores what fits. The store of large payloads therefore also gets a part
 *    of the largest size, of no object, which an empty part replaces at once. A newer server would stop that stream if its disk has no room;
 *    but its log has stopped with the first message that did not fit.
 */
export async function probeStore(connection: Connection, streams: readonly StreamFacts[]): Promise<StoreProbe> {
  // A setting that was made by hand, and a stream at its own limit, are findings of the stream.
  const mayStore = (wanted: string, bytes: number) =>
    streams.some(
      (stream) =>
        stream.name === wanted &&
        stream.exists &&
        stream.hasLeader &&
        stream.lossy.length === 0 &&
        stream.bytes + bytes < (stream.maxBytes ?? Number.POSITIVE_INFINITY),
    );
  if (!mayStore(INVOCATIONS, 0)) return { kind: 'untried' };
  const publisher = createPublisher(connection, { timeoutInMs: ANSWER_WITHIN_MS });
  const attempt = async (stream: string, subject: string, bytes: number): Promise<StoreProbe> => {
    const rollup = stream === PAYLOADS_STREAM ? wireHeaders([['Nats-Rollup', 'sub']]) : undefined;
    const answer = await publisher.publish(subject, Buffer.alloc(bytes), rollup);
    if (answer.kind === 'stored' || answer.kind === 'conflict') return { kind: 'stored' };
    if (answer.kind === 'refused' && answer.isForbidden === true) return { kind: 'forbidden' };
    const isUnanswered = answer.kind === 'unknown' && answer.isUnanswered === true;
    const isFull = answer.kind === 'refused' && answer.isFull;
    return { kind: 'refused', stream, bytes, why: isUnanswered ? NO_ANSWER : answer.why, isFull };
  };
  try {
    const inLog = await attempt(INVOCATIONS, subjects.wake(NO_FUNCTION), 0);
    const isStopping = isAtLeast(connection.nats.info?.version ?? '', STOPS_SINCE);
    if (inLog.kind !== 'stored' || isStopping || !mayStore(PAYLOADS_STREAM, 2 * MAX_PAYLOAD_BYTES)) return inLog;
    const part = partsSubject(PAYLOADS_BUCKET, 'doctor');
    const large = await attempt(PAYLOADS_STREAM, part, MAX_PAYLOAD_BYTES);
    if (large.kind === 'stored') await attempt(PAYLOADS_STREAM, part, 0);
    return large;
  } finally {
    publisher.close();
  }
}
