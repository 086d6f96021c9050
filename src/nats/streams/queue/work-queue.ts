import { AckPolicy, type ConsumerConfig, DeliverPolicy, type Msg, type NatsConnection, nanos } from 'nats';
import pLimit from 'p-limit';
import { z } from 'zod';
import { messageOf } from '#src/core/errors.ts';
import type { RequestMessage, StreamName, StreamVersion } from '#src/core/log/event-log.ts';
import { decodeRequest } from '#src/core/log/requests/request-messages.ts';
import { isRequestId, type StreamId } from '#src/core/names/names.ts';
import { subjects } from '#src/core/names/subjects.ts';
import type { KeyValue } from '#src/core/ports/stores/key-value.ts';
import { readProvedFloor, saveFloor } from '#src/core/ports/stores/saved-floor.ts';
import { versionInHint } from '#src/core/stream/hints.ts';
import type { StreamState } from '#src/core/stream/stream.ts';
import type { WorkItem, WorkQueue, WorkSource, WorkSubscription } from '#src/core/stream/work-queue.ts';
import { parseJson } from '#src/core/text/json.ts';
import type { Connection } from '#src/nats/transport/connection/connection.ts';
import { errorCodeOf, isConsumersExceeded } from '#src/nats/transport/errors.ts';
import { findConsumer, withinAckLimit } from '#src/nats/transport/streams/consumers.ts';
import { Pull } from '#src/nats/transport/streams/pull.ts';
import { parseAckSubject } from '#src/nats/wire/ack-subject.ts';
import { header } from '#src/nats/wire/codec.ts';
import type { HintSigner } from '#src/nats/wire/hint-signer.ts';
import { readInlineState } from '#src/nats/wire/inline-state.ts';
import { readMessage } from '#src/nats/wire/stored-messages.ts';
import { DELIVERIES_CONSUMER, INVOCATIONS, isRequest, parseSubject, workConsumer } from '#src/nats/wire/topology.ts';
import { headersOf } from '#src/nats/wire/wire-headers.ts';
import { keepBlocksLoaded } from './loaded-blocks.ts';

export type NatsWorkQueueOptions = {
  connection: Connection;
  /** Keeps the floors of the consumers: the sequences up to which every message is acknowledged. */
  state: KeyValue;
  signer: HintSigner;
  leaseInMs: number;
  /** Whether this process may take work now; always, by default. */
  takesWork?: () => boolean;
  onProblem?: (problem: string) => void;
};

/** Deliveries to a slow or dead target stay unacknowledged, and must not block the other deliveries. */
const MAX_ACK_PENDING = { function: 50_000, deliveries: 1_000_000 };
const FLOOR_EVERY_MS = 5_000;
/** An item may be a batch of many invocations. One item for each free slot can therefore be far more invocations than slots. */
const REQUESTED_BYTES = 256_000;
/**
 * How many consumers a process opens at one time. A start with a thousand functions would otherwise ask for all of them at once, the server
 * would answer the last ones after their time limit, and each would be asked for again.
 */
const MAX_OPENING = 16;
/** How long an item is left to other processes, while this one takes no work. */
const RETURNED_FOR_MS = 1_000;

/**
 * The work queue on JetStream.
 *
 * 1. Each function has a durable pull consumer of its own, so that a slow function never starves another one.
 * 2. The filters of a consumer are literal subjects. With a literal and a wildcard below it, nats-server 2.10 silently skips messages.
 * 3. If an operator deletes a consumer, a new one starts after the saved floor. If the log lost the message that proves the floor, the new one
 *    starts at the first message (MARK1).
 */
export function createNatsWorkQueue(options: NatsWorkQueueOptions): WorkQueue {
  const { connection, state, signer, leaseInMs, takesWork = () => true, onProblem = () => {} } = options;
  const reading: Reading = { nats: connection.nats, signer };
  const opening = pLimit(MAX_OPENING);
  let knownLimit: number | undefined;

  /** Reports the limit once, because it is that of the account or of the server, for all consumers alike. */
  function onAckLimit(allowed: number): void {
    if (allowed === knownLimit) return;
    knownLimit = allowed;
    onProblem(
      `the NATS account allows a consumer ${allowed} unacknowledged messages: no more work items of a function, or deliveries of all ` +
        'functions together, are in progress at one time; a dead target can then delay the others (raise max_ack_pending)',
    );
  }

  return {
    leaseInMs,
    async deliveredUpTo(name) {
      return (await findConsumer(connection.manager, workConsumer(name)))?.delivered.stream_seq ?? 0;
    },
    run({ source, demand, onItem, signal }): WorkSubscription {
      let isUsed = false;
      const keepLoaded = source.kind === 'function' ? keepBlocksLoaded(connection, INVOCATIONS) : () => {};
      const pull = new Pull({
        connection,
        stream: INVOCATIONS,
        openConsumer: () => opening(() => openWorkConsumer({ connection, state, leaseInMs, onAckLimit }, source)),
        demand: () => (takesWork() ? demand() : 0),
        maxBytes: () => REQUESTED_BYTES,
        signal,
        onProblem: (problem) => onProblem(`${durableOf(source)}: ${problem}`),
        onMessage: (message) => {
          isUsed = true;
          keepLoaded(message);
          const item = toItem(reading, message);
          if (item === undefined) message.respond(encoder.encode('+TERM'));
          else if (takesWork()) onItem(item);
          // The item was requested before. Returned without a delay, the server would send the item again at once.
          else item.delayRedelivery(RETURNED_FOR_MS);
        },
      });
      const timer = setInterval(() => {
        if (!isUsed || !connection.isConnected) return;
        isUsed = false;
        saveFloorOf(durableOf(source), connection, state).catch(() => {
          isUsed = true;
        });
      }, FLOOR_EVERY_MS);
      timer.unref();
      return { pull: () => pull.poke(), done: pull.done.finally(() => clearInterval(timer)) };
    },
  };
}

type ConsumerOptions = Pick<NatsWorkQueueOptions, 'connection' | 'state' | 'leaseInMs'> & { onAckLimit: (allowed: number) => void };

async function openWorkConsumer({ connection, state, leaseInMs, onAckLimit }: ConsumerOptions, source: WorkSource): Promise<string> {
  const { manager } = connection;
  const durable = durableOf(source);
  const existing = await findConsumer(manager, durable);
  if (existing !== undefined) {
    const wanted = { ack_wait: nanos(leaseInMs), ...filterOf(source) };
    if (isCurrent(existing.config, wanted)) return durable;
    const { max_ack_pending = MAX_ACK_PENDING[source.kind] } = existing.config;
    await withinAckLimit(max_ack_pending, (limit) => manager.consumers.update(INVOCATIONS, durable, { ...wanted, ...limit }));
    return durable;
  }
  const floor = await readFloorOf(durable, connection, state);
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
    // Another worker may have created the consumer first, with another floor.
    if ((await findConsumer(manager, durable)) !== undefined) return durable;
    if (!isConsumersExceeded(errorCodeOf(error))) throw error;
    throw new Error(`${messageOf(error)}: raise max_consumers of the account or of the stream ${INVOCATIONS} ("sequent doctor")`, {
      cause: error,
    });
  }
  return durable;
}

function isCurrent(config: ConsumerConfig, { ack_wait, filter_subjects = [] }: Partial<ConsumerConfig>): boolean {
  return config.ack_wait === ack_wait && filter_subjects.every((subject) => config.filter_subjects?.includes(subject));
}

/** Saves the sequence up to which every message is acknowledged. It is proved by the newest message of the log. */
async function saveFloorOf(durable: string, { manager }: Connection, state: KeyValue): Promise<void> {
  // The log is asked first: when it loses its end meanwhile, the proof is a lost message.
  const { last_seq: sequence, last_ts } = (await manager.streams.info(INVOCATIONS)).state;
  const found = await findConsumer(manager, durable);
  if (found === undefined) return;
  const floor = Math.min(found.ack_floor.stream_seq, sequence);
  await saveFloor(state, floorKey(durable), { floor, newest: { sequence, at: Date.parse(last_ts) } });
}

async function readFloorOf(durable: string, connection: Connection, state: KeyValue): Promise<number> {
  const timeOf = async (sequence: number): Promise<number | undefined> => (await readMessage(connection, sequence))?.at;
  return (await readProvedFloor(state, floorKey(durable), timeOf))?.floor ?? 0;
}

const floorKey = (durable: string): string => `floor.${durable}`;

function durableOf(source: WorkSource): string {
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

const encoder = new TextEncoder();
const ACK = encoder.encode('+ACK');
const WORKING = encoder.encode('+WPI');
const RELEASE = encoder.encode('-NAK');

/** The payload of a hint. `known` is the wire's older name of the inline state, which is parsed when it is used. */
const hintSchema = z.object({
  stream: z.string().refine(isRequestId),
  request: z.number().int().positive(),
  known: z.unknown().optional(),
});

type Reading = { nats: NatsConnection; signer: HintSigner };

function toItem({ nats, signer }: Reading, received: Msg): WorkItem | undefined {
  const { subject, reply = '', data } = received;
  const { deliveries, sequence, at } = parseAckSubject(reply);
  const parts = parseSubject(subject);
  if (isRequest(parts)) {
    const message = decodeRequest(parts, { data, headers: headersOf(received), sequence, at, isOwn: parts.kind === 'derived' });
    return new NatsWorkItem(nats, reply, { name: message.name, request: sequence, sequence, message, isFirstDelivery: deliveries === 1 });
  }
  if (parts.kind !== 'wake' && parts.kind !== 'deliver') return undefined;
  const hint = hintSchema.safeParse(parseJson(Buffer.from(data).toString()));
  if (!hint.success) return undefined;
  const name = { function: parts.function, stream: hint.data.stream as string as StreamId };
  const { request, known } = hint.data;
  // After a redelivery, the state in the hint is probably stale.
  const isUsable = known !== undefined && deliveries === 1 && parts.kind === 'deliver';
  // The hints of a dead target are parked without being parsed.
  const readState = isUsable ? () => (isSigned(signer, received) ? readInlineState(name, request, known) : undefined) : undefined;
  const version = versionInHint(
    headersOf(received)
      ?.get('Nats-Msg-Id')
      ?.slice(parts.kind.length + 1) ?? '',
  );
  return new NatsWorkItem(nats, reply, { name, request, sequence, version, readState, isFirstDelivery: false });
}

/** A state without a valid signature is not used: the deliverer reads the log instead. */
function isSigned(signer: HintSigner, received: Msg): boolean {
  return signer.isSigned(received.subject, received.data, headersOf(received)?.get(header.hintSignature) || undefined);
}

type Work = Pick<WorkItem, 'name' | 'request' | 'sequence' | 'version' | 'message' | 'isFirstDelivery'> & {
  readState?: (() => StreamState | undefined) | undefined;
};

/** A class, because there is one for every message (docs/performance.md V6). */
class NatsWorkItem implements WorkItem {
  readonly name: StreamName;
  readonly request: number;
  readonly sequence: number;
  readonly version: StreamVersion | undefined;
  readonly message: RequestMessage | undefined;
  readonly isFirstDelivery: boolean;
  #state: StreamState | undefined;
  #readState: (() => StreamState | undefined) | undefined;
  readonly #nats: NatsConnection;
  readonly #reply: string;

  constructor(nats: NatsConnection, reply: string, { name, request, sequence, version, message, readState, isFirstDelivery }: Work) {
    this.name = name;
    this.request = request;
    this.sequence = sequence;
    this.version = version;
    this.message = message;
    this.isFirstDelivery = isFirstDelivery;
    this.#readState = readState;
    this.#nats = nats;
    this.#reply = reply;
  }

  get state(): StreamState | undefined {
    if (this.#readState !== undefined) this.state = this.#readState();
    return this.#state;
  }

  set state(state: StreamState | undefined) {
    this.#readState = undefined;
    this.#state = state;
  }

  get mayHaveState(): boolean {
    return this.#readState !== undefined || this.#state !== undefined;
  }

  ack(): void {
    this.#answer(ACK);
  }

  working(): void {
    this.#answer(WORKING);
  }

  release(): void {
    this.#answer(RELEASE);
  }

  delayRedelivery(inMs: number): void {
    this.#answer(encoder.encode(`-NAK {"delay": ${nanos(Math.round(inMs))}}`));
  }

  #answer(payload: Uint8Array): void {
    if (this.#nats.isClosed()) return;
    try {
      this.#nats.publish(this.#reply, payload);
    } catch {
      // The connection is closing and sends nothing more. The server redelivers the item after its lease.
    }
  }
}
