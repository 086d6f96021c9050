import { type Msg, type NatsConnection, nanos } from 'nats';
import pLimit from 'p-limit';
import { z } from 'zod';
import { parseJson } from '#src/core/json/json.ts';
import type { RequestMessage, StreamName, StreamVersion } from '#src/core/log/event-log.ts';
import { decodeRequest } from '#src/core/log/requests/request-messages.ts';
import { isRequestId, type StreamId } from '#src/core/names/names.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import { versionInHint } from '#src/core/stream/hints.ts';
import type { StreamState } from '#src/core/stream/stream.ts';
import { openForWorker } from '#src/core/stream/work-consumers.ts';
import type { WorkItem, WorkQueue, WorkSubscription } from '#src/core/stream/work-queue.ts';
import type { Connection } from '#src/nats/transport/connection/connection.ts';
import { isAtLeast } from '#src/nats/transport/server-version.ts';
import { findConsumer } from '#src/nats/transport/streams/consumers.ts';
import { Pull } from '#src/nats/transport/streams/pull.ts';
import { parseAckSubject, pendingIn } from '#src/nats/wire/ack-subject.ts';
import { header } from '#src/nats/wire/codec.ts';
import type { HintSigner } from '#src/nats/wire/hint-signer.ts';
import { readInlineState } from '#src/nats/wire/inline-state.ts';
import { INVOCATIONS, isRequest, parseSubject, workConsumer } from '#src/nats/wire/topology.ts';
import { headersOf } from '#src/nats/wire/wire-headers.ts';
import { createNatsLogReplicas, type LogReplicas, watchLaggingReplicas } from './lagging-replicas.ts';
import { durableOf, type NatsWorkConsumers } from './work-consumers.ts';

export type NatsWorkQueueOptions = {
  connection: Connection;
  consumers: NatsWorkConsumers;
  signer: HintSigner;
  leaseInMs: number;
  clock: Clock;
  /** What the servers know of the log and of its consumers; asked on the connection, by default. */
  replicas?: LogReplicas;
  /** Whether this process may take work now; always, by default. */
  takesWork?: () => boolean;
  onProblem?: (problem: string) => void;
};

const FLOOR_EVERY_MS = 5_000;
/** An item may be a batch of many invocations. One item for each free slot can therefore be far more invocations than slots. */
const REQUESTED_BYTES = 256_000;
/**
 * How many consumers a process opens at one time. A start with a thousand functions would otherwise ask for all of them at once, the server
 * would answer the last ones after their time limit, and each would be asked for again.
 */
const MAX_OPENING = 16;
type RunOptions = Parameters<WorkQueue['run']>[0];

/** How long an item is left to other processes, while this one takes no work. */
const RETURNED_FOR_MS = 1_000;

/**
 * The work queue on JetStream.
 *
 * 1. Each function with work has a durable pull consumer of its own (CONS1), so that a slow function never starves another one.
 * 2. The filters of a consumer are literal subjects. With a literal and a wildcard below it, nats-server 2.10 silently skips messages.
 * 3. If an operator deletes a consumer, a new one starts after the saved floor. If the log lost the message that proves the floor, the new one
 *    starts at the first message (MARK1).
 * 4. A consumer leaves a server whose replica of the log stays behind (CONS6).
 */
export function createNatsWorkQueue(options: NatsWorkQueueOptions): WorkQueue {
  const { connection, consumers, signer, leaseInMs, clock, takesWork = () => true, onProblem = () => {} } = options;
  const reading: Reading = { nats: connection.nats, signer };
  const opening = pLimit(MAX_OPENING);
  const lagging = watchLaggingReplicas({ replicas: options.replicas ?? createNatsLogReplicas(connection), clock, onProblem });

  /** `undefined`: the function needs no consumer, and its worker ends. */
  async function openFor(source: RunOptions['source'], onGone: RunOptions['onGone']): Promise<string | undefined> {
    if (source.kind === 'function' && onGone !== undefined && !(await openForWorker(consumers, source.name, onGone))) return undefined;
    return await consumers.open(source);
  }

  return {
    leaseInMs,
    async deliveredUpTo(name) {
      const found = await findConsumer(connection.manager, workConsumer(name));
      // A consumer was removed when all its items up to the floor were acknowledged.
      return found?.delivered.stream_seq ?? (await consumers.readFloor(name));
    },
    run({ source, demand, onItem, signal, onGone }): WorkSubscription {
      let isUsed = false;
      const keepLoaded = source.kind === 'function' ? keepBlocksLoaded(connection, INVOCATIONS) : () => {};
      const pull = new Pull({
        connection,
        stream: INVOCATIONS,
        openConsumer: () => opening(() => openFor(source, onGone)),
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
        consumers.saveFloorOf(source).catch(() => {
          isUsed = true;
        });
      }, FLOOR_EVERY_MS);
      timer.unref();
      const endWatch = lagging.add(durableOf(source));
      const end = (): void => {
        clearInterval(timer);
        endWatch();
      };
      return { pull: () => pull.poke(), done: pull.done.finally(end) };
    },
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

/** The first version whose consumers with several filters keep the block that they read from in memory (nats-server, issue 7014). */
const KEEPS_BLOCKS_SINCE = '2.11.6';
/** Fewer messages are delivered sooner than it is worth to read the block. */
const BACKLOG = 1_000;
const READ_EVERY_MS = 20;

/**
 * Keeps the block of the stream from which a consumer with several filters reads in the memory of the server (docs/performance.md H14).
 *
 * The returned function takes each delivered message. While a server that needs these reads delivers a backlog, the function requests one of
 * the messages fifty times a second. No subscription receives the answers.
 */
function keepBlocksLoaded({ nats, jetstream, createInbox }: Connection, stream: string): (message: Msg) => void {
  const subject = `${jetstream.apiPrefix}.STREAM.MSG.GET.${stream}`;
  const unsubscribed = createInbox();
  let readAt = Number.NEGATIVE_INFINITY;
  return ({ reply = '' }) => {
    const now = performance.now();
    if (now - readAt < READ_EVERY_MS) return;
    readAt = now;
    if (nats.isClosed() || nats.isDraining() || isAtLeast(nats.info?.version ?? '', KEEPS_BLOCKS_SINCE) || pendingIn(reply) < BACKLOG)
      return;
    nats.publish(subject, JSON.stringify({ seq: parseAckSubject(reply).sequence }), { reply: unsubscribed });
  };
}
