import { AckPolicy, type ConsumerConfig, DeliverPolicy, type Msg, nanos } from 'nats';
import { z } from 'zod';
import { messageOf } from '#src/core/errors.ts';
import { parseJson } from '#src/core/json/json.ts';
import { greatestOf } from '#src/core/least-and-greatest.ts';
import { type FunctionName, isFunctionName } from '#src/core/names/names.ts';
import { subjects } from '#src/core/names/subjects.ts';
import type { KeyValue } from '#src/core/ports/stores/key-value.ts';
import { readProvedFloor, saveFloor } from '#src/core/ports/stores/saved-floor.ts';
import type { FoundConsumer, WorkConsumers } from '#src/core/stream/work-consumers.ts';
import type { WorkSource } from '#src/core/stream/work-queue.ts';
import type { Connection } from '#src/nats/transport/connection/connection.ts';
import { keepSubscribed } from '#src/nats/transport/connection/keep-subscribed.ts';
import { errorCodeOf, isConsumersExceeded } from '#src/nats/transport/errors.ts';
import { deleteConsumer, findConsumer, withinAckLimit } from '#src/nats/transport/streams/consumers.ts';
import { readLastBySubject, readMessage } from '#src/nats/wire/stored-messages.ts';
import { DELIVERIES_CONSUMER, functionOfConsumer, INVOCATIONS, workConsumer } from '#src/nats/wire/topology.ts';

/** Deliveries to a slow or dead target stay unacknowledged, and must not block the other deliveries. */
const MAX_ACK_PENDING = { function: 50_000, deliveries: 1_000_000 };
const ANSWER_WITHIN_MS = 5_000;
const COVERED_WITHIN_MS = 1_000;

export type WorkConsumersOptions = {
  connection: Connection;
  /** Keeps the floors of the consumers: the sequences up to which every message is acknowledged. */
  state: KeyValue;
  leaseInMs: number;
  onProblem?: (problem: string) => void;
};

/** The consumers of the work queue on JetStream, those of functions and that of the deliveries. */
export interface NatsWorkConsumers extends WorkConsumers {
  /** Creates the consumer if it is missing, or updates its lease and its filters. Returns its name. */
  open(source: WorkSource): Promise<string>;
  saveFloorOf(source: WorkSource): Promise<void>;
}

export function createNatsWorkConsumers(options: WorkConsumersOptions): NatsWorkConsumers {
  const { connection, state } = options;
  const { nats, manager } = connection;
  const putting: Putting = { ...options, onAckLimit: createLimitReport(options.onProblem ?? (() => {})) };
  return {
    open: (source) => openWorkConsumer(source, putting),
    async saveFloorOf(source) {
      const found = await findWithProof(connection, durableOf(source));
      if (found !== undefined) await saveFloor(state, floorKey(durableOf(source)), found);
    },
    list: () => listFunctions(connection),
    find: (name) => findWithProof(connection, workConsumer(name)),
    async newestItem(name) {
      const filters = filterOf({ kind: 'function', name }).filter_subjects ?? [];
      const newest = await Promise.all(filters.map((subject) => readLastBySubject(connection, subject)));
      return greatestOf(newest.map((message) => message?.sequence ?? 0));
    },
    readFloor: (name) => readFloorOf(workConsumer(name), connection, state),
    saveFloor: (name, found) => saveFloor(state, floorKey(workConsumer(name)), found),
    create: (name, floor) => createWorkConsumer({ kind: 'function', name }, floor, putting),
    async delete(name) {
      if ((await findConsumer(manager, workConsumer(name))) !== undefined) await deleteConsumer(manager, workConsumer(name));
    },
    hint(name) {
      if (!nats.isClosed()) nats.publish(subjects.work(name));
    },
    onHint(listener, signal) {
      const onMessage = ({ subject }: Msg): void => {
        const name = subject.slice(subjects.work('' as FunctionName).length);
        if (isFunctionName(name)) listener(name);
      };
      keepSubscribed(connection, { subject: subjects.work('*'), onMessage, signal });
    },
    isCovered: () =>
      nats.request(subjects.covered(), '', { timeout: COVERED_WITHIN_MS }).then(
        () => true,
        () => false,
      ),
    answerCovered(hasRead, signal) {
      const onMessage = (message: Msg): void => {
        hasRead().then(
          () => message.respond(),
          () => {},
        );
      };
      keepSubscribed(connection, { subject: subjects.covered(), queue: 'schedulers', onMessage, signal });
    },
  };
}

/** Reports the limit once, because it is that of the account or of the server, for all consumers alike. */
function createLimitReport(onProblem: (problem: string) => void): (allowed: number) => void {
  let known: number | undefined;
  return (allowed) => {
    if (allowed === known) return;
    known = allowed;
    onProblem(
      `the NATS account allows a consumer ${allowed} unacknowledged messages: no more work items of a function, or deliveries of all ` +
        'functions together, are in progress at one time; a dead target can then delay the others (raise max_ack_pending)',
    );
  };
}

type Putting = WorkConsumersOptions & { onAckLimit: (allowed: number) => void };

async function openWorkConsumer(source: WorkSource, putting: Putting): Promise<string> {
  const { connection, state, leaseInMs } = putting;
  const { manager } = connection;
  const durable = durableOf(source);
  const existing = await findConsumer(manager, durable);
  if (existing === undefined) {
    await createWorkConsumer(source, await readFloorOf(durable, connection, state), putting);
    return durable;
  }
  const wanted = { ack_wait: nanos(leaseInMs), ...filterOf(source) };
  if (isCurrent(existing.config, wanted)) return durable;
  const { max_ack_pending = MAX_ACK_PENDING[source.kind] } = existing.config;
  await withinAckLimit(max_ack_pending, (limit) => manager.consumers.update(INVOCATIONS, durable, { ...wanted, ...limit }));
  return durable;
}

async function createWorkConsumer(source: WorkSource, floor: number, putting: Putting): Promise<void> {
  const { connection, leaseInMs, onAckLimit } = putting;
  const { manager } = connection;
  const durable = durableOf(source);
  const config: Partial<ConsumerConfig> = {
    durable_name: durable,
    ...filterOf(source),
    ack_policy: AckPolicy.Explicit,
    ack_wait: nanos(leaseInMs),
    // The log counts attempts. A server that stopped redelivering would only hide the work.
    max_deliver: -1,
    max_waiting: 512,
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: floor + 1,
  };
  try {
    const put = (limit: Partial<ConsumerConfig>) => manager.consumers.add(INVOCATIONS, { ...config, ...limit });
    const allowed = await withinAckLimit(MAX_ACK_PENDING[source.kind], put);
    if (allowed !== undefined) onAckLimit(allowed);
  } catch (error) {
    // Another process may have created the consumer first, with another floor.
    if ((await findConsumer(manager, durable)) !== undefined) return;
    if (!isConsumersExceeded(errorCodeOf(error))) throw error;
    throw new Error(`${messageOf(error)}: raise max_consumers of the account or of the stream ${INVOCATIONS} ("sequent doctor")`, {
      cause: error,
    });
  }
}

function isCurrent(config: ConsumerConfig, { ack_wait, filter_subjects = [] }: Partial<ConsumerConfig>): boolean {
  return config.ack_wait === ack_wait && filter_subjects.every((subject) => config.filter_subjects?.includes(subject));
}

/** The sequence up to which every message is acknowledged. It is proved by the newest message of the log. */
async function findWithProof({ manager }: Connection, durable: string): Promise<FoundConsumer | undefined> {
  // The log is asked first: when it loses its end meanwhile, the proof is a lost message.
  const { last_seq: sequence, last_ts } = (await manager.streams.info(INVOCATIONS)).state;
  const found = await findConsumer(manager, durable);
  if (found === undefined) return undefined;
  // nats-server 2.10 says floor 0 of a consumer that has acknowledged nothing, wherever it starts. Every item below its start is acknowledged.
  const floor = Math.max(found.ack_floor.stream_seq, (found.config.opt_start_seq ?? 1) - 1);
  return { floor: Math.min(floor, sequence), newest: { sequence, at: Date.parse(last_ts) } };
}

async function readFloorOf(durable: string, connection: Connection, state: KeyValue): Promise<number> {
  const timeOf = async (sequence: number): Promise<number | undefined> => (await readMessage(connection, sequence))?.at;
  return (await readProvedFloor(state, floorKey(durable), timeOf))?.floor ?? 0;
}

const namesSchema = z.object({ total: z.number(), consumers: z.array(z.string()).nullish() });

/** The server lists 1,024 names in an answer. */
async function listFunctions({ nats, jetstream, refusals }: Connection): Promise<ReadonlySet<FunctionName>> {
  const ask = async (offset: number): Promise<string> => {
    const subject = `${jetstream.apiPrefix}.CONSUMER.NAMES.${INVOCATIONS}`;
    const reply = await nats.request(subject, JSON.stringify({ offset }), { timeout: ANSWER_WITHIN_MS });
    return reply.string();
  };
  const found = new Set<FunctionName>();
  for (let offset = 0; ; ) {
    const text = await ask(offset).catch((error: unknown) => {
      throw refusals.explain(error);
    });
    const { total, consumers } = namesSchema.parse(parseJson(text));
    for (const consumer of consumers ?? []) {
      const name = functionOfConsumer(consumer);
      if (name !== undefined) found.add(name);
    }
    offset += consumers?.length ?? 0;
    if (offset >= total || (consumers?.length ?? 0) === 0) return found;
  }
}

const floorKey = (durable: string): string => `floor.${durable}`;

export function durableOf(source: WorkSource): string {
  return source.kind === 'deliveries' ? DELIVERIES_CONSUMER : workConsumer(source.name);
}

function filterOf(source: WorkSource): Partial<ConsumerConfig> {
  if (source.kind === 'deliveries')
    return { description: 'Sequent: the outcomes that have destinations', filter_subject: subjects.deliver('*') };
  const { name } = source;
  return {
    description: `Sequent: the work of function ${name}`,
    filter_subjects: [subjects.invoke(name), subjects.derived(name), subjects.wake(name)],
  };
}
