import { openDeliveries } from '#machines/deliveries.ts';
import type { CircuitState } from '#src/core/ports/questions/circuit-states.ts';
import { ActiveStreams } from '#src/core/stream/active-streams.ts';
import type { LocalDeliverer } from '#src/core/stream/deliverer.ts';
import type { StreamState } from '#src/core/stream/stream.ts';
import type { WorkItem } from '#src/core/stream/work-queue.ts';
import { createBacklog } from './limits/backlog.ts';
import { Circuits } from './limits/circuits.ts';
import { createFairIntake } from './limits/fair-intake.ts';
import { createParking } from './limits/parking.ts';
import { createTargetLimiter } from './limits/target-limiter.ts';
import type { DeliveryPorts } from './ports.ts';
import { DeliveryRun } from './tries/delivery-run.ts';
import { createFirstTries } from './tries/first-tries.ts';
import { createTries } from './tries/tries.ts';
import type { TryOptions } from './tries/try-options.ts';

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
  /** The circuits of this process that are not closed. */
  readonly circuits: CircuitState[];
  /** Accepts a work item: starts a run, or keeps the item until its turn. */
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
/** The places of all limit keys together. The rest of the streams in progress is for streams that are read, or whose target has a slot. */
const PLACES = { tries: 1_200, waiting: 500 };

const ack = (): void => {};
const working = ack;
const release = ack;
const delayRedelivery = ack;

export function createDeliveries({ onDemand, ...options }: DeliveriesOptions): Deliveries {
  const { log, logger, clock, executionProbe, name, targets, skipsUnknownKinds } = options;
  const active = new Set<string>();
  const parking = createParking(options.random);
  const limiter = createTargetLimiter({ maxWaiting: MAX_WAITING_FOR_LIMIT_KEY, places: PLACES, onCapacity: (key) => backlog.resume(key) });
  const circuits = new Circuits({ clock, name, onClosed: (key) => backlog.resume(key) });
  const tries = createTries(options);
  const firstTries = createFirstTries({ ...options, limiter, circuits, tries });
  const ports: DeliveryPorts = { ...options, limiter, circuits, parking, tries, firstTries, active };
  const stopping = new AbortController();
  const answering = new AbortController();
  const activeStreams = new ActiveStreams({
    log,
    logger,
    createRun: (state) => new DeliveryRun(ports, state),
    onRead: () => intake.resume(),
    onRunEnd: () => {
      backlog.resumeNext();
      onDemand();
    },
    onLeftUnacked: parking.hold,
  });
  const timing = { clock, timers: options.timers, stopping: stopping.signal };
  const backlog = createBacklog({ limiter, circuits, parking, streams: activeStreams, ...timing });
  const intake = createFairIntake({ ...timing, backlog, mayRead: () => activeStreams.loading < MAX_LOADING_STREAMS });
  const isBusy = (deliveryId: string): boolean => active.has(deliveryId) || firstTries.has(deliveryId);
  executionProbe.answer(name, ({ invocation: deliveryId }) => isBusy(deliveryId), answering.signal);

  const isFull = (): boolean => stopping.signal.aborted || activeStreams.size + firstTries.size >= MAX_LOCAL;

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
      return Math.min(MAX_STREAMS - activeStreams.size, intake.room);
    },
    accept: intake.push,
    get circuits() {
      return circuits.list();
    },
    claim(outcome, functionName) {
      const isForRole = skipsUnknownKinds && !hasTargets(outcome.destinations ?? []);
      return isFull() || isForRole ? undefined : firstTries.claim(outcome, functionName);
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
    keepLeases() {
      activeStreams.keepLeases();
      intake.keepLeases();
    },
    async stop() {
      stopping.abort();
      while (activeStreams.size + firstTries.size + intake.size > 0) await clock.sleep(10);
      answering.abort();
    },
  };
}
