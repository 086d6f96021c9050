import { leastOf } from '#src/core/least-and-greatest.ts';
import type { EventLog, RequestMessage, StreamName, StreamVersion } from '#src/core/log/event-log.ts';
import type { MemoryLog } from '#src/core/memory/memory-log.ts';
import { type Hints, versionInHint } from '#src/core/stream/hints.ts';
import type { WorkItem, WorkQueue, WorkSource } from '#src/core/stream/work-queue.ts';
import type { VirtualClock } from './virtual-clock.ts';

/** The work queue and its hints in memory, with the leases, acknowledgements and redeliveries of NATS. */
export interface MemoryWork {
  readonly queue: WorkQueue;
  readonly hints: Hints;
  /** How many items are delivered and not acknowledged. */
  readonly inFlight: number;
  /** Counts deliveries and acknowledgements, so that a test sees whether anything happened. */
  readonly activity: number;
  /** Resolves when the log is no longer read. */
  close(): Promise<void>;
}

type Work = {
  name: StreamName;
  request: number;
  sequence: number;
  version?: StreamVersion | undefined;
  message?: RequestMessage;
  deliveries: number;
  leaseEndsAt: number;
};
type Subscriber = Pick<Parameters<WorkQueue['run']>[0], 'demand' | 'onItem'>;

/** The window of deduplication: a second hint with one id within this time is dropped. */
const DEDUPLICATED_WITHIN_MS = 120_000;

export type MemoryWorkOptions = { log: EventLog & Pick<MemoryLog, 'hints' | 'last'>; clock: VirtualClock; leaseInMs: number };

export function createMemoryWork({ log, clock, leaseInMs }: MemoryWorkOptions): MemoryWork {
  const queues = new Map<string, SourceQueue>();
  const hintedAt = new Map<string, number>();
  const closing = new AbortController();

  function queueOf(source: WorkSource): SourceQueue {
    const key = source.kind === 'deliveries' ? 'deliveries' : `function ${source.name}`;
    const existing = queues.get(key);
    if (existing !== undefined) return existing;
    const created = new SourceQueue(clock, leaseInMs);
    queues.set(key, created);
    return created;
  }

  function hint(source: WorkSource, id: string, work: Pick<Work, 'name' | 'request'>): void {
    const before = hintedAt.get(id);
    if (before !== undefined && clock.now() - before < DEDUPLICATED_WITHIN_MS) return;
    hintedAt.set(id, clock.now());
    queueOf(source).add({ ...work, sequence: log.last, version: versionInHint(id.slice(id.indexOf('.') + 1)) });
  }

  const following = log.followFully(
    1,
    (entry) => {
      if (entry.kind !== 'request') return;
      const { message, sequence } = entry;
      queueOf({ kind: 'function', name: message.name.function }).add({ name: message.name, request: sequence, sequence, message });
    },
    closing.signal,
  );

  return {
    queue: {
      leaseInMs,
      deliveredUpTo: async (name) => queueOf({ kind: 'function', name }).deliveredUpTo,
      run({ source, demand, onItem, signal }) {
        const queue = queueOf(source);
        return { pull: () => queue.pump(), done: queue.subscribe({ demand, onItem }, signal) };
      },
    },
    hints: {
      wake(name, request, id) {
        log.hints.wake(name, request, id);
        hint({ kind: 'function', name: name.function }, `wake.${id}`, { name, request });
      },
      deliver(name, request, id) {
        log.hints.deliver(name, request, id);
        hint({ kind: 'deliveries' }, `deliver.${id}`, { name, request });
      },
    },
    get inFlight() {
      return sum([...queues.values()].map((queue) => queue.inFlight));
    },
    get activity() {
      return sum([...queues.values()].map((queue) => queue.activity));
    },
    async close() {
      closing.abort();
      for (const queue of queues.values()) queue.close();
      await following;
    },
  };
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}

/** The items of one source. Each is waiting, or in flight until its lease ends. */
class SourceQueue {
  /** The sequence of the newest item that was delivered; 0 if none was. */
  deliveredUpTo = 0;
  activity = 0;
  readonly #clock: VirtualClock;
  readonly #leaseInMs: number;
  #waiting: Work[] = [];
  readonly #inFlight = new Set<Work>();
  readonly #subscribers = new Set<Subscriber>();
  #isPumping = false;
  #cancelLeaseTimer: (() => void) | undefined;

  constructor(clock: VirtualClock, leaseInMs: number) {
    this.#clock = clock;
    this.#leaseInMs = leaseInMs;
  }

  get inFlight(): number {
    return this.#inFlight.size;
  }

  add(work: Omit<Work, 'deliveries' | 'leaseEndsAt'>): void {
    this.#waiting.push({ ...work, deliveries: 0, leaseEndsAt: 0 });
    this.pump();
  }

  /** Resolves when the signal has aborted, and the subscriber receives nothing more. */
  subscribe(subscriber: Subscriber, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    this.#subscribers.add(subscriber);
    this.pump();
    return new Promise((resolve) => {
      const end = (): void => {
        this.#subscribers.delete(subscriber);
        resolve();
      };
      signal.addEventListener('abort', end, { once: true });
    });
  }

  /** Delivers in a later turn, as a server does. A delivered item takes its slot in that turn, so demand is read once a turn. */
  pump(): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    setImmediate(() => {
      this.#isPumping = false;
      let delivered = 0;
      for (const subscriber of this.#subscribers) {
        for (let demand = subscriber.demand(); demand > 0 && this.#waiting.length > 0; demand--) {
          delivered++;
          this.#deliver(this.#waiting.shift() as Work, subscriber);
        }
      }
      if (delivered > 0 && this.#waiting.length > 0) this.pump();
    });
  }

  close(): void {
    this.#cancelLeaseTimer?.();
  }

  #deliver(work: Work, { onItem }: Subscriber): void {
    this.activity++;
    work.deliveries++;
    work.leaseEndsAt = this.#clock.now() + this.#leaseInMs;
    this.#inFlight.add(work);
    this.deliveredUpTo = Math.max(this.deliveredUpTo, work.sequence);
    this.#watchLeases();
    onItem(this.#itemOf(work));
  }

  #itemOf(work: Work): WorkItem {
    const { name, request, sequence, version, message } = work;
    return {
      name,
      request,
      sequence,
      version,
      ...(message === undefined ? {} : { message }),
      isFirstDelivery: message !== undefined && work.deliveries === 1,
      ack: () => {
        this.activity++;
        if (!this.#inFlight.delete(work)) this.#waiting = this.#waiting.filter((other) => other !== work);
      },
      working: () => {
        if (this.#inFlight.has(work)) work.leaseEndsAt = this.#clock.now() + this.#leaseInMs;
      },
      release: () => {
        if (this.#inFlight.delete(work)) this.#waiting.push(work);
        this.pump();
      },
      delayRedelivery: (inMs) => {
        if (!this.#inFlight.has(work)) return;
        work.leaseEndsAt = this.#clock.now() + inMs;
        this.#cancelLeaseTimer?.();
        this.#cancelLeaseTimer = undefined;
        this.#watchLeases();
      },
    };
  }

  #watchLeases(): void {
    if (this.#cancelLeaseTimer !== undefined) return;
    const nextAt = leastOf([...this.#inFlight].map(({ leaseEndsAt }) => leaseEndsAt));
    this.#cancelLeaseTimer = this.#clock.after(nextAt - this.#clock.now(), () => {
      this.#cancelLeaseTimer = undefined;
      this.#endLeases();
      if (this.#inFlight.size > 0) this.#watchLeases();
      this.pump();
    });
  }

  #endLeases(): void {
    for (const work of this.#inFlight) {
      if (work.leaseEndsAt > this.#clock.now()) continue;
      this.#inFlight.delete(work);
      this.#waiting.push(work);
    }
  }
}
