import type { RequestMessage, StreamName } from '#src/core/log/event-log.ts';
import { streamKey } from '#src/core/names/ids.ts';
import type { StreamState } from '#src/core/stream/stream.ts';
import type { WorkItem, WorkQueue } from '#src/core/stream/work-queue.ts';
import type { Ledger } from '#test/simulate/judges/ledger.ts';
import type { Engine } from './engine.ts';
import type { Process } from './process.ts';

/** An item at the server. It waits, or it is in flight until its lease ends. */
type Item = {
  number: number;
  name: StreamName;
  request: number;
  /** The sequence of the message that brought the item. */
  sequence: number;
  message?: RequestMessage | undefined;
  state?: StreamState | undefined;
  deliveries: number;
  endLease: (() => void) | undefined;
  isDone: boolean;
};
type Acknowledged = { item: Item; at: number };
export type NewItem = Pick<Item, 'name' | 'request' | 'sequence' | 'message' | 'state'>;
export type Subscriber = {
  process: Process;
  demand: () => number;
  onItem: (item: WorkItem) => void;
  inTransit: number;
  /** Whether the queue looks at the subscriber again when its process no longer stands still. */
  isAwaited: boolean;
  /** Called when the consumer was deleted. */
  reopen: () => void;
};

export const LEASE_IN_MS = 15_000;
/** A power cut takes the acknowledgements since the last write to the disk. */
const SYNCED_EVERY_MS = 2_000;
/** The share of the deliveries in flight that a power cut takes. Such items are delivered again at once. */
const FORGOTTEN = 0.5;
/** No function has this name. */
export const DELIVERIES = 'all deliveries';

/** A consumer as the server knows it. */
export interface SimulatedConsumer {
  readonly exists: boolean;
  /** All items up to this sequence are acknowledged. */
  readonly floor: number;
  /** The sequence of the newest item of the log, whether a consumer exists or not. */
  readonly newestItem: number;
  create(floor: number): void;
  delete(): void;
}

/** The items of a function, or of all deliveries, and the consumer that delivers them. */
export class SourceQueue implements SimulatedConsumer {
  exists: boolean;
  deliveredUpTo = 0;
  /** The items that the log holds. */
  #items: NewItem[] = [];
  #createdAt = 0;
  /** Where the consumer started. */
  #start = 0;
  /** The floor of the consumer that was deleted last. */
  #acknowledgedUpTo = 0;
  /** The items that were acknowledged lately, with the time. */
  #acknowledged: Acknowledged[] = [];
  readonly #name: string;
  readonly #engine: Engine;
  readonly #ledger: Ledger;
  readonly #subscribers = new Set<Subscriber>();
  readonly #open = new Set<Item>();
  readonly #waiting = new Set<Item>();
  #isPumping = false;
  #numbers = 0;

  constructor(name: string, engine: Engine, ledger: Ledger) {
    this.#name = name;
    this.#engine = engine;
    this.#ledger = ledger;
    this.exists = name === DELIVERIES;
  }

  get newestItem(): number {
    return this.#items.at(-1)?.sequence ?? 0;
  }

  get floor(): number {
    const open = [...this.#open].map(({ sequence }) => sequence - 1);
    return Math.min(...open, Math.max(this.#start, this.newestItem));
  }

  create(floor: number): void {
    if (this.exists) return;
    if (floor < this.#acknowledgedUpTo)
      this.#ledger.redeliveries.push(`each item of ${this.#name} from ${floor} to ${this.#acknowledgedUpTo}`);
    this.exists = true;
    this.#createdAt = this.#engine.now;
    this.#start = floor;
    this.deliveredUpTo = floor;
    for (const item of this.#items) if (item.sequence > floor) this.#enqueue(item);
  }

  delete(): void {
    if (!this.exists) return;
    this.#acknowledgedUpTo = this.floor;
    this.exists = false;
    this.deliveredUpTo = 0;
    this.#acknowledged = [];
    for (const item of this.#open) this.#end(item);
    for (const { process, reopen } of this.#subscribers) process.schedule(1, `consumer ${this.#name} deleted`, reopen);
  }

  get isEmpty(): boolean {
    return this.#open.size === 0;
  }

  get open(): string[] {
    return [...this.#open].map(({ number, name }) => `${number} of ${name.stream}`);
  }

  add(item: NewItem): void {
    this.#items.push(item);
    if (this.exists) this.#enqueue(item);
  }

  #enqueue(item: NewItem): void {
    const added: Item = { ...item, number: ++this.#numbers, deliveries: 0, endLease: undefined, isDone: false };
    this.#open.add(added);
    this.#waiting.add(added);
    this.pump();
  }

  /** `over`: the subscriber gets no further item, and ends with `signal` all the same. */
  subscribe(subscriber: Subscriber, { signal, over }: Record<'signal' | 'over', AbortSignal>): ReturnType<WorkQueue['run']> {
    const { process } = subscriber;
    const end = (): void => {
      this.#subscribers.delete(subscriber);
      // A process has thousands of subscriptions in its life, and a signal compares each new listener with all its listeners.
      process.death.removeEventListener('abort', end);
    };
    process.death.addEventListener('abort', end, { once: true });
    over.addEventListener('abort', end, { once: true });
    this.#subscribers.add(subscriber);
    this.pump();
    return {
      pull: () => this.pump(),
      done: new Promise((resolve) => {
        signal.addEventListener('abort', () => resolve(end()), { once: true });
      }),
    };
  }

  lose(from: number): void {
    this.#items = this.#items.filter(({ sequence }) => sequence < from);
    this.#start = Math.min(this.#start, from - 1);
    const isNew = this.#createdAt > this.#engine.now - SYNCED_EVERY_MS;
    if (this.#name !== DELIVERIES && isNew && this.#engine.chance.happens(FORGOTTEN)) return this.delete();
    this.deliveredUpTo = Math.min(this.deliveredUpTo, from - 1);
    for (const item of this.#open) {
      if (item.sequence >= from) this.#end(item);
      // The server does not know that it delivered the item.
      else if (this.#engine.chance.happens(FORGOTTEN)) this.#requeue(item);
    }
    const isUnsynced = ({ item, at }: Acknowledged): boolean => item.sequence < from && at > this.#engine.now - SYNCED_EVERY_MS;
    const again = this.#acknowledged.filter(isUnsynced);
    this.#acknowledged = [];
    for (const { item } of again) this.#enqueue(item);
  }

  pump(): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    this.#engine.after(1, `queue ${this.#name}`, () => {
      this.#isPumping = false;
      for (const subscriber of this.#inRandomOrder()) {
        if (subscriber.process.isStill) {
          this.#awaitProcess(subscriber);
          continue;
        }
        let demand = subscriber.demand() - subscriber.inTransit;
        for (const item of this.#waiting) {
          if (demand-- <= 0) break;
          this.#waiting.delete(item);
          this.#deliver(item, subscriber);
        }
      }
    });
  }

  /** The pull requests of a process that stands still remain at the server. */
  #awaitProcess(subscriber: Subscriber): void {
    if (subscriber.isAwaited) return;
    subscriber.isAwaited = true;
    subscriber.process.schedule(1, `may take items of ${this.#name}`, () => {
      subscriber.isAwaited = false;
      this.pump();
    });
  }

  #inRandomOrder(): Subscriber[] {
    const { chance } = this.#engine;
    return [...this.#subscribers]
      .map((subscriber) => ({ subscriber, key: chance.next() }))
      .sort((one, other) => one.key - other.key)
      .map(({ subscriber }) => subscriber);
  }

  #deliver(item: Item, subscriber: Subscriber): void {
    const { process } = subscriber;
    const label = `item ${this.#name} ${item.number}, delivery ${++item.deliveries}, of ${item.name.stream}`;
    if (item.message !== undefined) this.deliveredUpTo = Math.max(this.deliveredUpTo, item.request);
    this.#startLease(item, LEASE_IN_MS);
    if (process.faults.strike('lost-delivery', `${process.name} ${label}`)) return;
    if (item.deliveries > 1 && item.message !== undefined) this.#ledger.redelivered(process, item);
    if (item.message !== undefined) this.#ledger.wakes.offered(item.name);
    subscriber.inTransit++;
    const delivered = this.#toWorkItem(item, process);
    process.schedule(this.#engine.chance.between(0, 2), label, () => {
      subscriber.inTransit--;
      subscriber.onItem(delivered);
    });
  }

  #toWorkItem(item: Item, process: Process): WorkItem {
    const { name, request, sequence, message, state, deliveries, number } = item;
    const label = `${this.#name} ${number}`;
    return {
      name,
      request,
      sequence,
      message,
      // After a redelivery, the state in a hint is probably stale.
      state: deliveries === 1 ? state : undefined,
      isFirstDelivery: message !== undefined && deliveries === 1,
      ack: () => {
        if (!process.isAlive) return;
        if (this.#name !== DELIVERIES) this.#ledger.acknowledged(process, name, () => this.#othersOf(item));
        if (!process.faults.strike('lost-ack', `${process.name} ack ${label}`)) process.send(`ack ${label}`, () => this.#acknowledge(item));
      },
      working: () => {
        if (process.faults.strike('lost-lease', `${process.name} lease of ${label}`)) return;
        process.send(`working ${label}`, () => item.endLease !== undefined && this.#startLease(item, LEASE_IN_MS));
      },
      release: () => process.send(`release ${label}`, () => this.#requeue(item)),
      delayRedelivery: (inMs) => process.send(`delay ${label}`, () => item.endLease !== undefined && this.#startLease(item, inMs)),
    };
  }

  #othersOf(item: Item): number[] {
    const key = streamKey(item.name);
    return [...this.#open].filter((other) => other !== item && streamKey(other.name) === key).map(({ sequence }) => sequence);
  }

  #startLease(item: Item, ms: number): void {
    item.endLease?.();
    item.endLease = this.#engine.after(ms, `lease of ${this.#name} ${item.number} ended`, () => this.#requeue(item));
  }

  #requeue(item: Item): void {
    if (item.isDone || item.endLease === undefined) return;
    item.endLease();
    item.endLease = undefined;
    this.#waiting.add(item);
    this.pump();
  }

  #acknowledge(item: Item): void {
    if (item.isDone) return;
    this.#end(item);
    const oldest = this.#engine.now - SYNCED_EVERY_MS;
    this.#acknowledged.push({ item, at: this.#engine.now });
    const kept = this.#acknowledged.findIndex(({ at }) => at > oldest);
    if (kept > 0) this.#acknowledged.splice(0, kept);
  }

  #end(item: Item): void {
    item.isDone = true;
    item.endLease?.();
    item.endLease = undefined;
    this.#open.delete(item);
    this.#waiting.delete(item);
    this.pump();
  }
}
