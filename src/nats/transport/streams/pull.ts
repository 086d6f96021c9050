import { type Msg, type MsgHdrs, type NatsConnection, nanos, type Subscription } from 'nats';
import { messageOf } from '#src/core/errors.ts';
import type { Connection } from '#src/nats/transport/connection/connection.ts';
import { endWithin } from '#src/nats/transport/connection/end-within.ts';

export type PullOptions = {
  connection: Connection;
  /** The name of the JetStream stream. */
  stream: string;
  /**
   * Creates the consumer if it is missing, and returns its name. Called again after every loss. `undefined`: nothing more is to be pulled, and
   * the owner ends the pull.
   */
  openConsumer: () => Promise<string | undefined>;
  /** How many messages may be requested and not yet delivered, at this moment. */
  demand: () => number;
  /** The maximum of bytes in the answer to one request, at this moment. A larger message is requested alone. */
  maxBytes?: (() => number) | undefined;
  /**
   * How long to pause, at this moment, when the JetStream stream has no further message: the messages of the pause are then delivered together
   * (docs/performance.md H24). Without it, and at 0, each message is delivered at once.
   */
  pauseInMs?: (() => number) | undefined;
  onMessage: (message: Msg) => void;
  onProblem: (problem: string) => void;
  signal: AbortSignal;
};

const EXPIRES_IN_MS = 30_000;
const HEARTBEAT_IN_MS = 5_000;

/**
 * Pulls messages from a consumer until the signal aborts.
 *
 * 1. It requests as many messages as `demand()` allows, and requests more when half of them, or `maxBytes`, are delivered.
 * 2. It opens the consumer again after a reconnection, a deletion, a shutdown or a change of the leader.
 * 3. It treats two and a half missed heartbeats as a loss.
 * 4. A reader that may pause has one request at a time. The server ends such a request when it has delivered what there is, or waits for the
 *    first message (`no_wait` with `expires`).
 */
export class Pull {
  /** Resolves when the signal has aborted and no further message will be delivered. */
  readonly done: Promise<void>;
  readonly #options: PullOptions;
  readonly #nats: NatsConnection;
  readonly #inbox: string;
  readonly #subscription: Subscription;
  readonly #watchdog: NodeJS.Timeout;
  readonly #endReconnect: () => void;
  #consumer: string | undefined;
  /** Counts the losses. A status message for a request of an earlier generation is ignored. */
  #generation = 0;
  #requests = 0;
  /** Messages that were requested and not delivered yet. */
  #outstanding = 0;
  /** Whether the request in progress ends with what there is. */
  #isGathering = false;
  #pause: NodeJS.Timeout | undefined;
  /** Whether the next message alone has more than `maxBytes`. */
  #isTooLarge = false;
  #receivedAt = performance.now();
  #isOpening = false;
  #isOver = false;
  #lastProblem = '';

  constructor(options: PullOptions) {
    const { connection, signal } = options;
    this.#options = options;
    this.#nats = connection.nats;
    this.#inbox = connection.createInbox();
    this.#subscription = this.#nats.subscribe(`${this.#inbox}.>`, {
      callback: (error, message) => {
        if (error === null) this.#receive(message);
      },
    });
    this.#endReconnect = connection.onReconnect(() => this.reopen());
    this.#watchdog = setInterval(() => this.#watch(), 1_000);
    this.#watchdog.unref();
    this.done = new Promise<void>((resolve) => {
      if (signal.aborted) void this.#stop().then(resolve);
      else signal.addEventListener('abort', () => void this.#stop().then(resolve), { once: true });
    });
    this.reopen();
  }

  /** Abandons the consumer and opens it again. */
  reopen(): void {
    const { signal, openConsumer, connection } = this.#options;
    if (this.#isOpening || this.#isOver || signal.aborted) return;
    this.#isOpening = true;
    this.#generation++;
    this.#consumer = undefined;
    this.#outstanding = 0;
    this.#receivedAt = performance.now();
    openConsumer()
      .then((name) => {
        this.#lastProblem = '';
        this.#isOver = name === undefined;
        if (!signal.aborted) this.#consumer = name;
      })
      .catch((error: unknown) => this.#report(`the consumer cannot be opened: ${messageOf(connection.refusals.explain(error))}`))
      .finally(() => {
        this.#isOpening = false;
        this.poke();
      });
  }

  /** Requests more messages if `demand()` has risen. */
  poke(): void {
    const nats = this.#nats;
    if (this.#consumer === undefined || this.#options.signal.aborted || nats.isClosed() || nats.isDraining()) return;
    if (this.#pause !== undefined || (this.#outstanding > 0 && this.#isGathering)) return;
    const batch = this.#options.demand() - this.#outstanding;
    // One request for each free slot would double the messages on the wire, so the next request waits for half of the demand.
    if (batch <= 0 || (this.#outstanding > 0 && batch < this.#outstanding)) return;
    const mayPause = (this.#options.pauseInMs?.() ?? 0) > 0;
    if (mayPause && this.#outstanding > 0) return;
    this.#isGathering = mayPause;
    this.#request(this.#isTooLarge ? { batch: 1 } : { batch, max_bytes: this.#options.maxBytes?.() });
    this.#isTooLarge = false;
  }

  #request({ batch, max_bytes }: { batch: number; max_bytes?: number | undefined }): void {
    this.#outstanding += batch;
    if (this.#outstanding === batch) this.#receivedAt = performance.now();
    const no_wait = this.#isGathering ? true : undefined;
    const request = { batch, max_bytes, no_wait, expires: nanos(EXPIRES_IN_MS), idle_heartbeat: nanos(HEARTBEAT_IN_MS) };
    const { connection, stream } = this.#options;
    this.#nats.publish(`${connection.jetstream.apiPrefix}.CONSUMER.MSG.NEXT.${stream}.${this.#consumer}`, JSON.stringify(request), {
      reply: `${this.#inbox}.${this.#generation}.${batch}.${this.#requests++}`,
    });
  }

  #receive(message: Msg): void {
    this.#receivedAt = performance.now();
    if (message.subject.startsWith(this.#inbox)) return this.#receiveStatus(message);
    this.#outstanding = Math.max(0, this.#outstanding - 1);
    this.#options.onMessage(message);
    this.poke();
  }

  #receiveStatus({ subject, headers }: Msg): void {
    const code = headers?.code ?? 0;
    const [generation, batch] = subject.slice(this.#inbox.length + 1).split('.');
    if (code === 100 || Number(generation) !== this.#generation) return;
    if (isLoss(code, headers?.description ?? '')) {
      // For code 503 the watchdog opens the consumer again, at most once a second.
      this.#consumer = undefined;
      if (code === 409) this.reopen();
      return;
    }
    const isAtEnd = this.#isGathering && (code === 404 || code === 408);
    this.#forgetUnserved(headers, { batch: Number(batch), isAtEnd });
    if (isAtEnd) this.#startPause();
    this.poke();
  }

  /** nats-server 2.15 does not say how many messages a request lacks that ends with what there is. */
  #forgetUnserved(headers: MsgHdrs | undefined, { batch, isAtEnd }: { batch: number; isAtEnd: boolean }): void {
    const unserved = isAtEnd ? this.#outstanding : Number(headers?.get('Nats-Pending-Messages') ?? '');
    this.#outstanding = Math.max(0, this.#outstanding - unserved);
    this.#isTooLarge = unserved === batch && /size exceeds/i.test(headers?.description ?? '');
  }

  #startPause(): void {
    this.#pause = setTimeout(() => {
      this.#pause = undefined;
      this.poke();
    }, this.#options.pauseInMs?.() ?? 0);
  }

  #watch(): void {
    if (!this.#options.connection.isConnected) return;
    const isSilent = this.#outstanding > 0 && performance.now() - this.#receivedAt > 2.5 * HEARTBEAT_IN_MS;
    if (this.#consumer === undefined || isSilent) this.reopen();
    // The demand may have risen without a call of `poke`, because the process may take work again.
    else this.poke();
  }

  /** Reports a problem once, although the watchdog retries every second. */
  #report(problem: string): void {
    if (problem !== this.#lastProblem) this.#options.onProblem(problem);
    this.#lastProblem = problem;
  }

  async #stop(): Promise<void> {
    clearInterval(this.#watchdog);
    clearTimeout(this.#pause);
    this.#endReconnect();
    this.#generation++;
    this.#consumer = undefined;
    // A drain delivers the messages that the server has already sent; the owner of the pull releases them.
    if (this.#options.connection.isConnected) await endWithin(this.#subscription.drain());
    this.#subscription.unsubscribe();
  }
}

/** Whether a status means that the consumer or its server is gone. */
function isLoss(code: number, description: string): boolean {
  return code === 503 || (code === 409 && /deleted|shutdown|leadership/i.test(description));
}
