import { createInbox, type Msg, nanos } from 'nats';
import { messageOf } from '#src/core/errors.ts';
import type { Connection } from './connection.ts';

/**
 * A supervised pull: asks a consumer for as many messages as its owner has room for, and nothing else ends it than its
 * signal. A deleted consumer is made again, a restarted server is asked again, silence counts as a loss.
 */
export type PullOptions = {
  connection: Connection;
  stream: string;
  /** Makes sure that the consumer exists, and returns its name. Called again after every loss. */
  openConsumer: () => Promise<string>;
  /** How many messages may be asked for or on their way at this moment. */
  demand: () => number;
  onMessage: (message: Msg) => void;
  onProblem: (problem: string) => void;
  signal: AbortSignal;
};

export interface Pull {
  /** Says that `demand()` may have risen. */
  poke(): void;
  /** Gives the consumer up and opens it again. */
  reopen(): void;
  /** Resolves when the signal aborted and nothing more will be delivered. */
  readonly done: Promise<void>;
}

const EXPIRES_IN_MS = 30_000;
const HEARTBEAT_IN_MS = 5_000;

export function startPull({ connection, stream, openConsumer, demand, onMessage, onProblem, signal }: PullOptions): Pull {
  const { nats } = connection;
  const inbox = createInbox();
  let consumer: string | undefined;
  // A generation ends with every loss; what the server still says about requests of an older one is ignored.
  let generation = 0;
  let asked = 0;
  let outstanding = 0;
  let heardAt = performance.now();
  let isOpening = false;
  let told = '';

  const subscription = nats.subscribe(`${inbox}.>`, { callback: (error, message) => (error === null ? receive(message) : undefined) });
  const endReconnect = connection.onReconnect(() => reopen());
  const watchdog = setInterval(() => {
    if (!connection.isConnected) return;
    if (consumer === undefined || (outstanding > 0 && performance.now() - heardAt > 2.5 * HEARTBEAT_IN_MS)) reopen();
  }, 1_000);
  watchdog.unref();
  const done = new Promise<void>((resolve) => {
    const stop = async (): Promise<void> => {
      clearInterval(watchdog);
      endReconnect();
      generation++;
      consumer = undefined;
      // Draining hands over what the server has already sent; the owner releases it.
      if (connection.isConnected) await subscription.drain().catch(() => {});
      else subscription.unsubscribe();
      resolve();
    };
    if (signal.aborted) void stop();
    else signal.addEventListener('abort', () => void stop(), { once: true });
  });
  reopen();

  function reopen(): void {
    if (isOpening || signal.aborted) return;
    isOpening = true;
    generation++;
    consumer = undefined;
    outstanding = 0;
    heardAt = performance.now();
    openConsumer()
      .then((name) => {
        told = '';
        if (!signal.aborted) consumer = name;
      })
      .catch((error: unknown) => tell(`the consumer cannot be opened: ${messageOf(connection.refusals.explain(error))}`))
      .finally(() => {
        isOpening = false;
        poke();
      });
  }

  /** The watchdog tries every second: the same problem is told once. */
  function tell(problem: string): void {
    if (problem !== told) onProblem(problem);
    told = problem;
  }

  function poke(): void {
    if (consumer === undefined || signal.aborted || nats.isClosed() || nats.isDraining()) return;
    const batch = demand() - outstanding;
    // Asking for every single freed place would double the messages on the wire: ask again at half.
    if (batch <= 0 || (outstanding > 0 && batch < outstanding)) return;
    outstanding += batch;
    const request = { batch, expires: nanos(EXPIRES_IN_MS), idle_heartbeat: nanos(HEARTBEAT_IN_MS) };
    if (outstanding === batch) heardAt = performance.now();
    nats.publish(`$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer}`, JSON.stringify(request), {
      reply: `${inbox}.${generation}.${asked++}`,
    });
  }

  function receive(message: Msg): void {
    heardAt = performance.now();
    if (message.subject.startsWith(inbox)) return receiveStatus(message);
    outstanding = Math.max(0, outstanding - 1);
    onMessage(message);
    poke();
  }

  function receiveStatus({ subject, headers }: Msg): void {
    const code = headers?.code ?? 0;
    if (code === 100 || Number(subject.slice(inbox.length + 1).split('.')[0]) !== generation) return;
    const unserved = Number(headers?.get('Nats-Pending-Messages') ?? '');
    if (code === 503 || (code === 409 && /deleted|shutdown|leadership/i.test(headers?.description ?? ''))) {
      // The consumer or its server is gone. The watchdog opens it again, once a second at most.
      consumer = undefined;
      if (code === 409) reopen();
      return;
    }
    outstanding = Math.max(0, outstanding - unserved);
    poke();
  }

  return { poke, reopen, done };
}

/** What a delivered message tells about itself in its reply subject. */
export type Delivery = { deliveries: number; sequence: number; consumerSequence: number; at: number };

/** Parses `$JS.ACK.<stream>.<consumer>.<deliveries>.<sequence>.<consumer sequence>.<nanoseconds>.<pending>`. */
export function parseDelivery(reply: string): Delivery {
  const tokens = reply.split('.');
  // Newer servers put a domain and an account hash before the stream.
  const start = tokens.length > 9 ? 6 : 4;
  return {
    deliveries: Number(tokens[start]),
    sequence: Number(tokens[start + 1]),
    consumerSequence: Number(tokens[start + 2]),
    // Cut as text: 19 digits do not fit a number, and every reader must see the same millisecond.
    at: Number(tokens[start + 3]?.slice(0, -6)),
  };
}
