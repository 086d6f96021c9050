import { openDeliveries } from '#machines/deliveries.ts';
import { createActiveStreams } from '#src/core/stream/active-streams.ts';
import type { LocalDeliverer } from '#src/core/stream/deliverer.ts';
import type { StreamState } from '#src/core/stream/stream.ts';
import type { WorkItem } from '#src/core/stream/work-queue.ts';
import { DeliveryRun } from './delivery-run.ts';
import { createFirstTries } from './first-tries.ts';
import { createParking } from './parking.ts';
import type { DeliveryPorts } from './ports.ts';
import { createTargetLimiter } from './target-limiter.ts';
import { createTries } from './tries.ts';
import type { TryOptions } from './try-options.ts';

/**
 * The deliveries that this process makes. They arrive by three entries (docs/architecture.md):
 *
 * 1. `claim`: a worker of this process appends the first tries together with the outcome.
 * 2. `take`: a worker of this process passes its folded stream.
 * 3. `accept`: a hint on `deliver.*` arrives as a work item.
 */
export interface Deliveries extends LocalDeliverer {
  /** How many more work items this process can accept now. */
  readonly demand: number;
  /** Accepts a work item: starts a run, or keeps the item until its limit key has capacity. */
  accept(item: WorkItem): void;
  /** Extends the lease of every work item in progress. */
  keepLeases(): void;
  /** Starts no further run; resolves once the results of all current tries are recorded. The caller stops the work items before. */
  stop(): Promise<void>;
}

export type DeliveriesOptions = TryOptions & {
  /** True: destinations of a kind without a target here belong to the destinations role. False: their deliveries end dead. */
  skipsUnknownKinds: boolean;
  /** `demand` may have risen. */
  onDemand: () => void;
};

/** How many streams from the log may be in progress, and how many of them may be read at once. The others wait in the log. */
const MAX_STREAMS = 2_000;
const MAX_LOADING_STREAMS = 128;
/** Up to how many streams and first tries a worker of this process may pass on. Their states are in memory already. */
const MAX_LOCAL = 4_000;
/** How many streams may wait for one limit key, so that a slow or dead target occupies a tenth of the streams in progress. */
const MAX_WAITING_FOR_LIMIT_KEY = 200;

const ack = (): void => {};
const working = ack;
const release = ack;
const delayRedelivery = ack;

export function createDeliveries({ onDemand, ...options }: DeliveriesOptions): Deliveries {
  const { log, logger, clock, executionProbe, name, targets, skipsUnknownKinds } = options;
  const active = new Set<string>();
  const parking = createParking(options.random);
  const limiter = createTargetLimiter({ maxWaiting: MAX_WAITING_FOR_LIMIT_KEY, onCapacity: resumeParked });
  const tries = createTries(options);
  const firstTries = createFirstTries({ ...options, limiter, tries, active });
  const ports: DeliveryPorts = { ...options, limiter, parking, tries, active };
  const stopping = new AbortController();
  const answering = new AbortController();
  const activeStreams = createActiveStreams({
    log,
    logger,
    createRun: (state) => new DeliveryRun(ports, state),
    onRunEnd: onDemand,
    onLeftUnacked: parking.hold,
  });
  executionProbe.answer(name, (deliveryId) => active.has(deliveryId), answering.signal);

  function resumeParked(limitKey: string): void {
    if (stopping.signal.aborted) return;
    for (const item of parking.take(limitKey, limiter.capacityOf(limitKey))) activeStreams.take(item);
  }

  function isFull(): boolean {
    return stopping.signal.aborted || activeStreams.size + firstTries.size >= MAX_LOCAL;
  }

  function hasTargets(destinations: Iterable<{ destination: string }>): boolean {
    for (const { destination } of destinations) if (targets[destination] === undefined) return false;
    return true;
  }

  function canDeliver({ invocations }: StreamState): boolean {
    if (!skipsUnknownKinds) return true;
    return [...invocations.values()].every(({ context }) => hasTargets(openDeliveries(context)));
  }

  return {
    get demand() {
      return Math.min(MAX_STREAMS - activeStreams.size, MAX_LOADING_STREAMS - activeStreams.loading);
    },
    accept(item) {
      const limitKey = parking.limitKeyOf(item.name);
      if (limitKey === undefined || limiter.capacityOf(limitKey) > 0) activeStreams.take(item);
      else parking.hold(item);
    },
    claim(outcome) {
      const isForRole = skipsUnknownKinds && !hasTargets(outcome.destinations ?? []);
      return isFull() || isForRole ? undefined : firstTries.claim(outcome);
    },
    take(state) {
      if (isFull() || !canDeliver(state)) return false;
      // There is no work item to acknowledge. The scheduler triggers the deliveries that this process does not make.
      activeStreams.take({
        name: state.name,
        request: state.request.sequence,
        sequence: 0,
        state,
        isFirstDelivery: false,
        ack,
        release,
        working,
        delayRedelivery,
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
