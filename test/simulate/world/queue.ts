import type { FunctionName } from '#src/core/names/names.ts';
import { openForWorker, type WorkConsumers } from '#src/core/stream/work-consumers.ts';
import type { WorkQueue, WorkSource } from '#src/core/stream/work-queue.ts';
import type { Ledger } from '#test/simulate/judges/ledger.ts';
import type { Engine } from './engine.ts';
import type { Process } from './process.ts';
import { DELIVERIES, LEASE_IN_MS, type NewItem, type SimulatedConsumer, SourceQueue } from './source-queue.ts';

const OPEN_AGAIN_AFTER_MS = 1_000;

/** The consumers of a server: one for each function, and one for all deliveries. */
export interface QueueServer {
  add(source: WorkSource, item: NewItem): void;
  /** The queue as a process reaches it. */
  connect(process: Process, consumers: WorkConsumers): WorkQueue;
  /** The consumer of a function at the server. */
  consumerOf(name: FunctionName): SimulatedConsumer;
  /** The functions that have a consumer. */
  consumers(): ReadonlySet<FunctionName>;
  isEmpty(exists: (name: string) => boolean): boolean;
  /** The log lost its messages from a sequence on, with the items that they brought. The latest acknowledgements and deliveries are lost too. */
  lose(from: number): void;
  /** Items that are not acknowledged, of the functions that exist. */
  openItems(exists: (name: string) => boolean): readonly string[];
}

export function createQueueServer(engine: Engine, ledger: Ledger): QueueServer {
  const queues = new Map<string, SourceQueue>();
  function queueOf(source: WorkSource): SourceQueue {
    const key = source.kind === 'deliveries' ? DELIVERIES : source.name;
    const present = queues.get(key) ?? new SourceQueue(key, engine, ledger);
    queues.set(key, present);
    return present;
  }
  return {
    add: (source, item) => queueOf(source).add(item),
    connect: (process, consumers) => ({
      leaseInMs: LEASE_IN_MS,
      async deliveredUpTo(name) {
        const queue = queueOf({ kind: 'function', name });
        const found = await process.call(`delivered up to of ${name}`, () => (queue.exists ? queue.deliveredUpTo : undefined));
        return found ?? (await consumers.readFloor(name));
      },
      run({ source, demand, onItem, signal, onGone = () => false }) {
        const queue = queueOf(source);
        const over = new AbortController();
        const subscriber = { process, demand, onItem, inTransit: 0, isAwaited: false, reopen: () => void open() };
        async function open(): Promise<void> {
          if (source.kind === 'deliveries' || signal.aborted) return;
          const isOpen = await openForWorker(consumers, source.name, onGone).catch(() => undefined);
          // A worker pulls no more from a consumer that it does not need.
          if (isOpen === false) return over.abort();
          if (isOpen || signal.aborted) return queue.pump();
          await process.clock.sleep(OPEN_AGAIN_AFTER_MS, signal);
          await open();
        }
        void open();
        return queue.subscribe(subscriber, { signal, over: over.signal });
      },
    }),
    consumerOf: (name) => queueOf({ kind: 'function', name }),
    consumers: () => new Set([...queues].flatMap(([key, queue]) => (queue.exists && key !== DELIVERIES ? [key as FunctionName] : []))),
    lose(from) {
      for (const queue of queues.values()) queue.lose(from);
    },
    isEmpty(exists) {
      for (const [key, queue] of queues) if (!queue.isEmpty && (key === DELIVERIES || exists(key))) return false;
      return true;
    },
    openItems: (exists) =>
      [...queues].flatMap(([key, queue]) => (key === DELIVERIES || exists(key) ? queue.open.map((item) => `${key}: ${item}`) : [])),
  };
}
