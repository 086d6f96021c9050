import { openDeliveries } from '#machines/deliveries.ts';
import { createActiveStreams } from '#src/core/stream/active-streams.ts';
import type { LocalDeliverer } from '#src/core/stream/deliverer.ts';
import type { StreamState } from '#src/core/stream/stream.ts';
import type { WorkItem } from '#src/core/stream/work-queue.ts';
import { createDeliveryRun } from './delivery-run.ts';
import { createFirstTries } from './first-tries.ts';
import { createParking } from './parking.ts';
import type { DeliveryPorts } from './ports.ts';
import { createTargetLimiter } from './target-limiter.ts';
import { createTries } from './tries.ts';
import type { TryOptions } from './try-options.ts';

/** The deliveries that this process makes, wherever they come from. */
export interface Deliveries extends LocalDeliverer {
  /** How many streams more may come from the log at this moment. */
  readonly demand: number;
  /** Takes an item of the log, at once or when the place that it waits for has room. */
  accept(item: WorkItem): void;
  /** Extends the lease of everything in hand. */
  keepLeases(): void;
  /** Begins nothing more; resolves when the tries under way are recorded. Let nothing more come from the log first. */
  stop(): Promise<void>;
}

export type DeliveriesOptions = TryOptions & {
  /** Kinds of destinations without a target here are somebody else's; otherwise they end dead. */
  leavesOthers: boolean;
  /** There may be demand again. */
  onRest: () => void;
};

/** How many streams may be in hand, and how many of them may be read at one moment: the rest waits in the log. */
const IN_HAND = 2_000;
const OPENING = 128;
/** Up to how many in hand more are taken over from a worker here, which has them in memory already. */
const HANDED_OVER = 4_000;
/** How many deliveries may wait for one place: a place that is slow or dead must not fill the hands. */
const WAITING_FOR_ONE_PLACE = 200;

const ack = (): void => {};
const working = ack;
const release = ack;
const putOff = ack;

export function createDeliveries({ onRest, ...options }: DeliveriesOptions): Deliveries {
  const { log, logger, clock, executionProbe, name, targets, leavesOthers } = options;
  const active = new Set<string>();
  const parking = createParking();
  const limiter = createTargetLimiter({ waiting: WAITING_FOR_ONE_PLACE, onCapacity: onRoom });
  const tries = createTries(options);
  const firstTries = createFirstTries({ ...options, limiter, tries, active });
  const ports: DeliveryPorts = { ...options, limiter, parking, tries, active };
  const stopping = new AbortController();
  const answering = new AbortController();
  const activeStreams = createActiveStreams({
    log,
    logger,
    createRun: (state) => createDeliveryRun(ports, state),
    onRunEnd: onRest,
    onLeftUnacked: parking.hold,
  });
  executionProbe.answer(name, (deliveryId) => active.has(deliveryId), answering.signal);

  function onRoom(place: string): void {
    if (!stopping.signal.aborted) for (const item of parking.take(place, limiter.capacityOf(place))) activeStreams.take(item);
  }

  function isFull(): boolean {
    return stopping.signal.aborted || activeStreams.size + firstTries.size >= HANDED_OVER;
  }

  function isOwn({ invocations }: StreamState): boolean {
    return [...invocations.values()].every(({ context }) =>
      openDeliveries(context).every(({ destination }) => targets[destination] !== undefined),
    );
  }

  return {
    get demand() {
      return Math.min(IN_HAND - activeStreams.size, OPENING - activeStreams.loading);
    },
    accept(item) {
      const place = parking.limitKeyOf(item.name);
      if (place === undefined || limiter.capacityOf(place) > 0) activeStreams.take(item);
      else parking.hold(item);
    },
    claim(outcome) {
      const isForOthers = leavesOthers && !outcome.destinations?.every(({ destination }) => targets[destination] !== undefined);
      return isFull() || isForOthers ? undefined : firstTries.begin(outcome);
    },
    take(state) {
      if (isFull() || (leavesOthers && !isOwn(state))) return false;
      // Nobody waits for an answer. What is not done here is the scheduler's business.
      activeStreams.take({
        name: state.name,
        request: state.request.sequence,
        state,
        isFirstDelivery: false,
        ack,
        release,
        working,
        putOff,
      });
      return true;
    },
    keepLeases: activeStreams.keepLeases,
    async stop() {
      stopping.abort();
      while (activeStreams.size + firstTries.size > 0) await clock.sleep(10);
      answering.abort();
    },
  };
}
