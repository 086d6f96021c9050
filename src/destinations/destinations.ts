import type { StreamState } from '#src/core/stream.ts';
import { createStreamHands } from '#src/core/stream-hands.ts';
import { createDeliveryRun } from './delivery-run.ts';
import { createParking } from './parking.ts';
import { createPlaces } from './places.ts';
import type { DestinationsPorts } from './ports.ts';

/** The destinations role: tells the configured targets about outcomes. */
export interface Destinations {
  /** Takes a stream with outcomes over from a worker in this process. False when there is no room: a hint finds some later. */
  take(stream: StreamState): boolean;
  /** Takes nothing more; resolves when the tries under way are recorded. */
  stop(): Promise<void>;
}

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

export type DestinationsOptions = Omit<DestinationsPorts, 'places' | 'parking' | 'active'>;

export function startDestinations(options: DestinationsOptions): Destinations {
  const { queue, log, logger, clock, owners, name } = options;
  const active = new Set<string>();
  const parking = createParking();
  const places = createPlaces({ waiting: WAITING_FOR_ONE_PLACE, onRoom });
  const ports: DestinationsPorts = { ...options, active, places, parking };
  const stopping = new AbortController();
  const answering = new AbortController();
  const hands = createStreamHands({
    log,
    logger,
    createRun: (state) => createDeliveryRun(ports, state),
    onRest: () => subscription.pull(),
    onLeft: parking.hold,
  });
  const subscription = queue.run({
    source: { kind: 'deliveries' },
    signal: stopping.signal,
    demand: () => Math.min(IN_HAND - hands.size, OPENING - hands.opening),
    onItem: (item) => {
      if (stopping.signal.aborted) return item.release();
      const place = parking.placeOf(item.name);
      if (place === undefined || places.room(place) > 0) hands.take(item);
      else parking.hold(item);
    },
  });

  function onRoom(place: string): void {
    if (!stopping.signal.aborted) for (const item of parking.take(place, places.room(place))) hands.take(item);
  }

  const leases = setInterval(hands.keepLeases, queue.leaseInMs / 3);
  options.check.answer(({ destination, param }) => {
    const target = options.targets[destination];
    return target === undefined ? `there is no destination ${destination}` : target.refuse(param);
  }, answering.signal);
  owners.answer(name, (deliveryId) => active.has(deliveryId), answering.signal);

  return {
    take(state) {
      if (stopping.signal.aborted || hands.size >= HANDED_OVER) return false;
      // Nobody waits for an answer. What is not done here is the scheduler's business.
      hands.take({ name: state.name, request: state.request.sequence, state, isFirstDelivery: false, ack, working, release });
      return true;
    },
    async stop() {
      stopping.abort();
      await subscription.done;
      while (hands.size > 0) await clock.sleep(10);
      clearInterval(leases);
      answering.abort();
    },
  };
}
