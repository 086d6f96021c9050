import { InvalidInputError } from '#src/core/errors.ts';
import {
  createTransitionTest,
  type LiveTransition,
  parseTransitionFilter,
  type TransitionTest,
  transitionsIn,
} from '#src/core/log/transitions.ts';
import type { FunctionName } from '#src/core/names/names.ts';
import { type Feed, type FeedItem, openFeed } from '#src/nats/streams/feeds/transition-feed.ts';
import type { Connection } from '#src/nats/transport/connection/connection.ts';
import type { DeliveredTransition, Transitions, TransitionsOptions } from './transitions.ts';

/** Creates the subscriptions of one client, which ends those that are open when it closes. */
export function createSubscriptions(
  connection: Connection,
  show: (transition: LiveTransition) => LiveTransition,
): { open(options: TransitionsOptions): Transitions; close(): Promise<void> } {
  const open = new Set<Transitions>();
  return {
    open(options) {
      const opened: Transitions = new TransitionSubscription({ connection, show, onClose: () => open.delete(opened) }, options);
      open.add(opened);
      return opened;
    },
    async close() {
      await Promise.all([...open].map((subscription) => subscription.close()));
    },
  };
}

/** The limit of messages in progress. Further messages of a slow reader stay in the log. */
const MAX_IN_PROGRESS = 500;
const MIN_ACK_WAIT_IN_MS = 100;

/** A message of the log whose transitions are not all acknowledged. */
type Message = {
  item: FeedItem;
  unacknowledged: Set<LiveTransition>;
  /** How many of its transitions the reader has not received. */
  unread: number;
};

type SubscriptionParts = { connection: Connection; show: (transition: LiveTransition) => LiveTransition; onClose: () => void };

/**
 * One subscription to transitions.
 *
 * 1. While transitions of a message wait for the reader, the subscription extends the time for the message's acknowledgement.
 * 2. When the reader has received all of them, the time runs out as usual, and JetStream redelivers the message without an acknowledgement.
 * 3. On close, every message in progress is released, so that another subscriber receives it at once.
 */
class TransitionSubscription implements Transitions {
  readonly ready: Promise<void>;
  readonly #connection: Connection;
  readonly #show: SubscriptionParts['show'];
  readonly #options: TransitionsOptions;
  readonly #ackWaitInMs: number;
  readonly #onClose: () => void;
  readonly #ending = new AbortController();
  readonly #leases: NodeJS.Timeout;
  readonly #inProgress = new Set<Message>();
  readonly #waiting: { message: Message; transition: LiveTransition }[] = [];
  #wakeReader = (): void => {};
  #feed: Feed | undefined;

  constructor({ connection, show, onClose }: SubscriptionParts, options: TransitionsOptions) {
    this.#connection = connection;
    this.#show = show;
    this.#options = options;
    this.#ackWaitInMs = options.ackWaitInMs ?? 30_000;
    this.#onClose = onClose;
    this.ready = this.#open();
    // A caller that does not await `ready` receives the error in the loop.
    this.ready.catch(() => {});
    this.#leases = setInterval(() => this.#extendLeases(), Math.max(MIN_ACK_WAIT_IN_MS, this.#ackWaitInMs / 3));
    this.#leases.unref();
  }

  async #open(): Promise<void> {
    const filter = parseTransitionFilter(this.#options);
    if (this.#ackWaitInMs < MIN_ACK_WAIT_IN_MS)
      throw new InvalidInputError({ field: 'ackWaitInMs', problem: `must be ${MIN_ACK_WAIT_IN_MS} or more` });
    const matches = createTransitionTest(filter);
    this.#feed = await openFeed(this.#connection, {
      from: this.#options.from ?? 'now',
      durable: this.#options.durable,
      subject: subjectOf(filter),
      follows: JSON.stringify(filter),
      ackWaitInMs: this.#ackWaitInMs,
      signal: this.#ending.signal,
      demand: () => MAX_IN_PROGRESS - this.#inProgress.size,
      onItem: (item) => this.#receive(item, transitionsIn(item.entry).filter(matches).map(this.#show)),
    });
  }

  #receive(item: FeedItem, transitions: readonly LiveTransition[]): void {
    if (transitions.length === 0) return item.ack();
    const message: Message = { item, unacknowledged: new Set(transitions), unread: transitions.length };
    this.#inProgress.add(message);
    // `close` releases this message when no further one will arrive. Released now, it would be delivered here again.
    if (this.#ending.signal.aborted) return;
    for (const transition of transitions) this.#waiting.push({ message, transition });
    this.#wakeReader();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<DeliveredTransition> {
    const { signal } = this.#ending;
    try {
      await this.ready;
      while (!signal.aborted) {
        for (let next = this.#waiting.shift(); next !== undefined && !signal.aborted; next = this.#waiting.shift()) {
          const { message, transition } = next;
          message.unread--;
          if (message.unread === 0) this.#onRead(message);
          yield { ...transition, ack: () => this.#acknowledge(message, transition) };
        }
        await new Promise<void>((resolve) => {
          this.#wakeReader = resolve;
          if (this.#waiting.length > 0 || signal.aborted) resolve();
        });
      }
    } finally {
      await this.close();
    }
  }

  #onRead(message: Message): void {
    // The reader has the full time for the acknowledgement from now on.
    message.item.working();
    if (this.#options.durable === undefined) this.#remove(message);
    // After this time JetStream redelivers the message, so the message is no longer in progress here.
    else setTimeout(() => this.#remove(message), this.#ackWaitInMs).unref();
  }

  #acknowledge(message: Message, transition: LiveTransition): void {
    message.unacknowledged.delete(transition);
    if (message.unacknowledged.size > 0 || !this.#inProgress.delete(message)) return;
    message.item.ack();
    this.#feed?.poke();
  }

  #remove(message: Message): void {
    if (this.#inProgress.delete(message)) this.#feed?.poke();
  }

  #extendLeases(): void {
    for (const { item, unread } of this.#inProgress) if (unread > 0) item.working();
  }

  async close(): Promise<void> {
    this.#ending.abort();
    this.#wakeReader();
    this.#onClose();
    clearInterval(this.#leases);
    await this.ready.catch(() => {});
    await this.#feed?.done;
    for (const { item } of this.#inProgress) item.release();
    this.#inProgress.clear();
    this.#waiting.length = 0;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** Returns the one subject that holds every matching transition, or `undefined` when one subject is not enough. */
function subjectOf({ functions, states }: TransitionTest): string | undefined {
  const name = functions?.length === 1 ? (functions[0] as FunctionName) : undefined;
  if (states === undefined || (states.includes('queued') && states.length > 1)) return undefined;
  if (!states.includes('queued')) return `invocation.${name ?? '*'}.*`;
  // A request has one of several subjects: that of clients, or of derived requests.
  return undefined;
}
