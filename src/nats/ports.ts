import { nanos, type StreamConfig } from 'nats';
import type { Clock } from '#src/core/clock.ts';
import type { EventLog, Hints, Results } from '#src/core/event-log.ts';
import type { KeyValue } from '#src/core/key-value.ts';
import type { Owners } from '#src/core/owners.ts';
import type { WorkQueue } from '#src/core/work-queue.ts';
import type { Connection } from './connection.ts';
import { createNatsEventLog, createNatsHints, createNatsResults } from './event-log.ts';
import { openKeyValue } from './key-value.ts';
import { createNatsOwners } from './owners.ts';
import { createPublisher } from './publisher.ts';
import { FUNCTIONS_BUCKET, invocationsStream, resultsStream, STATE_BUCKET, type TopologyOptions } from './topology.ts';
import { createNatsWorkQueue } from './work-queue.ts';

/** Every port that NATS implements. */
export type NatsPorts = {
  log: EventLog;
  hints: Hints;
  results: Results;
  queue: WorkQueue;
  owners: Owners;
  /** The definitions of the functions. */
  functions: KeyValue;
  /** Positions that save work after a restart. Losing them loses nothing else. */
  state: KeyValue;
  close(): void;
};

export type NatsPortsOptions = {
  topology: TopologyOptions;
  leaseInMs: number;
  clock: Clock;
  /** How long an unanswered append is followed up before it is reported as unknown. */
  budgetInMs?: number;
  onProblem?: (problem: string) => void;
};

/** Makes the streams and buckets that are missing, and the ports on them. */
export async function openNatsPorts(connection: Connection, options: NatsPortsOptions): Promise<NatsPorts> {
  const { topology, leaseInMs, clock } = options;
  const problems = options.onProblem === undefined ? {} : { onProblem: options.onProblem };
  await ensureStream(connection, invocationsStream(topology));
  await ensureStream(connection, resultsStream(topology));
  const functions = await openKeyValue(connection, FUNCTIONS_BUCKET, topology.replicas);
  const state = await openKeyValue(connection, STATE_BUCKET, topology.replicas);
  const publisher = createPublisher(connection);
  const logOptions = { connection, publisher, clock, ...problems, ...(options.budgetInMs === undefined ? {} : { budgetInMs: options.budgetInMs }) };
  return {
    log: createNatsEventLog(logOptions),
    hints: createNatsHints({ connection }),
    results: createNatsResults(logOptions),
    queue: createNatsWorkQueue({ connection, state, leaseInMs, ...problems }),
    owners: createNatsOwners(connection),
    functions,
    state,
    close: () => publisher.close(),
  };
}

/** Creates the stream, or brings what may change of an existing one up to date. */
async function ensureStream({ nats }: Connection, wanted: Partial<StreamConfig>): Promise<void> {
  const manager = await nats.jetstreamManager({ checkAPI: false });
  const name = wanted.name ?? '';
  const present = await manager.streams.info(name).catch((error: { api_error?: { err_code?: number } }) => {
    if (error.api_error?.err_code === STREAM_NOT_FOUND) return undefined;
    throw error;
  });
  if (present === undefined) {
    await manager.streams.add(wanted);
    return;
  }
  const { subjects = [], max_age = nanos(0) } = wanted;
  const isCurrent = present.config.max_age === max_age && subjects.every((subject) => present.config.subjects.includes(subject));
  if (!isCurrent) await manager.streams.update(name, { subjects, max_age });
}

const STREAM_NOT_FOUND = 10059;
