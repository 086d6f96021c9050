import type { EventLog, RequestMessage, StreamName } from '#src/core/log/event-log.ts';
import type { Hints } from '#src/core/stream/hints.ts';
import type { WorkItem, WorkQueue, WorkSource } from '#src/core/stream/work-queue.ts';
import type { VirtualClock } from './virtual-clock.ts';

/** The work queue and its hints in memory: leases, acknowledgements and repetition as with NATS. */
export interface MemoryWork {
  readonly queue: WorkQueue;
  readonly hints: Hints;
  /** How many items are with somebody. */
  readonly inFlight: number;
  /** How often something was handed out or settled. */
  readonly stirs: number;
  /** Resolves when nothing is read any more. */
  close(): Promise<void>;
}

type Work = { name: StreamName; request: number; message?: RequestMessage; deliveries: number; leaseEndsAt: number };
type Subscriber = Pick<Parameters<WorkQueue['run']>[0], 'demand' | 'onItem'>;
type Lane = {
  waiting: Work[];
  held: Set<Work>;
  subscribers: Set<Subscriber>;
  deliveredUpTo: number;
  isPumping: boolean;
  sweep: (() => void) | undefined;
};

/** Within this time two hints of one id are one. */
const SAME_HINT_IN_MS = 120_000;

export function createMemoryWork({
  log,
  clock,
  leaseInMs,
}: {
  log: EventLog & { hints: Hints };
  clock: VirtualClock;
  leaseInMs: number;
}): MemoryWork {
  const lanes = new Map<string, Lane>();
  const given = new Map<string, number>();
  const closing = new AbortController();
  let stirs = 0;

  function laneOf(key: string): Lane {
    const known = lanes.get(key);
    if (known !== undefined) return known;
    const lane: Lane = { waiting: [], held: new Set(), subscribers: new Set(), deliveredUpTo: 0, isPumping: false, sweep: undefined };
    lanes.set(key, lane);
    return lane;
  }

  function add(lane: Lane, work: Pick<Work, 'name' | 'request' | 'message'>): void {
    lane.waiting.push({ ...work, deliveries: 0, leaseEndsAt: 0 });
    pump(lane);
  }

  /** Later, as from a server. What is handed out takes its place in the same turn, so demand is asked once a turn. */
  function pump(lane: Lane): void {
    if (lane.isPumping) return;
    lane.isPumping = true;
    setImmediate(() => {
      lane.isPumping = false;
      let gave = 0;
      for (const subscriber of lane.subscribers) {
        for (let most = subscriber.demand(); most > 0 && lane.waiting.length > 0; most--) {
          gave++;
          give(lane, lane.waiting.shift() as Work, subscriber);
        }
      }
      if (gave > 0 && lane.waiting.length > 0) pump(lane);
    });
  }

  function give(lane: Lane, work: Work, { onItem }: Subscriber): void {
    stirs++;
    work.deliveries++;
    work.leaseEndsAt = clock.now() + leaseInMs;
    lane.held.add(work);
    if (work.message !== undefined) lane.deliveredUpTo = Math.max(lane.deliveredUpTo, work.request);
    watchLeases(lane);
    const { name, request, message } = work;
    onItem({
      name,
      request,
      ...(message === undefined ? {} : { message }),
      isFirstDelivery: message !== undefined && work.deliveries === 1,
      ack() {
        stirs++;
        if (!lane.held.delete(work)) lane.waiting = lane.waiting.filter((other) => other !== work);
      },
      working() {
        if (lane.held.has(work)) work.leaseEndsAt = clock.now() + leaseInMs;
      },
      release() {
        if (lane.held.delete(work)) lane.waiting.push(work);
        pump(lane);
      },
      delayRedelivery(inMs) {
        if (!lane.held.has(work)) return;
        work.leaseEndsAt = clock.now() + inMs;
        lane.sweep?.();
        lane.sweep = undefined;
        watchLeases(lane);
      },
    } satisfies WorkItem);
  }

  function watchLeases(lane: Lane): void {
    if (lane.sweep !== undefined) return;
    const nextAt = Math.min(...[...lane.held].map(({ leaseEndsAt }) => leaseEndsAt));
    lane.sweep = clock.after(nextAt - clock.now(), () => {
      lane.sweep = undefined;
      for (const work of lane.held) {
        if (work.leaseEndsAt > clock.now()) continue;
        lane.held.delete(work);
        lane.waiting.push(work);
      }
      if (lane.held.size > 0) watchLeases(lane);
      pump(lane);
    });
  }

  function hint(key: string, id: string, work: Pick<Work, 'name' | 'request'>): void {
    const before = given.get(id);
    if (before !== undefined && clock.now() - before < SAME_HINT_IN_MS) return;
    given.set(id, clock.now());
    add(laneOf(key), work);
  }

  const following = log.followFully(
    1,
    (entry) => {
      if (entry.kind !== 'request') return;
      const { message, sequence } = entry;
      add(laneOf(laneKeyOf({ kind: 'function', name: message.name.function })), { name: message.name, request: sequence, message });
    },
    closing.signal,
  );

  return {
    queue: {
      leaseInMs,
      deliveredUpTo: async (name) => lanes.get(laneKeyOf({ kind: 'function', name }))?.deliveredUpTo ?? 0,
      run({ source, demand, onItem, signal }) {
        const lane = laneOf(laneKeyOf(source));
        const subscriber: Subscriber = { demand, onItem };
        if (!signal.aborted) lane.subscribers.add(subscriber);
        pump(lane);
        const done = new Promise<void>((resolve) => {
          const end = (): void => {
            lane.subscribers.delete(subscriber);
            resolve();
          };
          if (signal.aborted) end();
          else signal.addEventListener('abort', end, { once: true });
        });
        return { pull: () => pump(lane), done };
      },
    },
    hints: {
      wake(name, request, id) {
        log.hints.wake(name, request, id);
        hint(laneKeyOf({ kind: 'function', name: name.function }), `wake.${id}`, { name, request });
      },
      deliver(name, request, id) {
        log.hints.deliver(name, request, id);
        hint(laneKeyOf({ kind: 'deliveries' }), `deliver.${id}`, { name, request });
      },
    },
    get inFlight() {
      let count = 0;
      for (const { held } of lanes.values()) count += held.size;
      return count;
    },
    get stirs() {
      return stirs;
    },
    async close() {
      closing.abort();
      for (const lane of lanes.values()) lane.sweep?.();
      await following;
    },
  };
}

function laneKeyOf(source: WorkSource): string {
  return source.kind === 'deliveries' ? 'deliveries' : `function ${source.name}`;
}
