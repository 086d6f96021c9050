import { type Clock, systemTimers, type Timers } from '#src/core/ports/clock.ts';
import type { ActiveStreams } from '#src/core/stream/active-streams.ts';
import type { WorkItem } from '#src/core/stream/work-queue.ts';
import type { Circuits } from './circuits.ts';
import type { Parking } from './parking.ts';
import type { TargetLimiter } from './target-limiter.ts';

/**
 * The order in which this process reads streams.
 *
 * A backlog of dead targets consists of many streams that are read only to be postponed or parked again. Each read costs the server several
 * messages. So the backlog is read by few reads at once, in turns of the limit keys and of the functions, with a pause between those that only
 * wait on. The streams of other targets do not wait for it.
 */
export interface Backlog {
  /** Takes a work item now, or parks its stream until its turn. */
  accept(item: WorkItem): void;
  /** Parks the stream of a work item until its turn. */
  park(item: WorkItem): void;
  /** Takes parked streams of a limit key, now and with each run that ends, as far as it has capacity. Returns whether streams are parked. */
  resume(limitKey: string): boolean;
  /** A run has ended: takes the next parked streams. */
  resumeNext(): void;
}

export type BacklogOptions = {
  limiter: TargetLimiter;
  circuits: Circuits;
  parking: Parking;
  streams: ActiveStreams;
  clock: Pick<Clock, 'now'>;
  timers?: Timers | undefined;
  stopping: AbortSignal;
};

/** Parked streams are read only while fewer streams than this are being read. */
const MAX_LOADING_STREAMS = 8;
/**
 * While so many streams are in progress, further ones of functions with an open circuit are parked, also when the hint has their state. Each would
 * append a postponement, and thousands of them in progress would leave no room to take the hints of other targets from the log.
 */
const MAX_STREAMS_BESIDE_TROUBLE = 256;

/**
 * The pause between two parked streams of functions or targets with an open circuit. They only wait on, and a read and an append for each of
 * 40,000 of them, one after another without a pause, occupy the server and this process beside the deliveries that arrive.
 */
const TROUBLED_EVERY_MS = 10;

/** Before the name of a function: the key under which its streams are parked that wait for their turn and not for a limit key. */
const TURN_OF = '\0';

export function createBacklog({ limiter, circuits, parking, streams, clock, timers = systemTimers, stopping }: BacklogOptions): Backlog {
  /** The limit keys that have capacity for parked streams, and the functions with streams that wait for their turn. */
  const resumable = new Set<string>();
  let troubledAt = Number.NEGATIVE_INFINITY;
  let isPausing = false;

  function isTroubled(limitKey: string): boolean {
    return limitKey.startsWith(TURN_OF) ? circuits.isTroubled(limitKey.slice(TURN_OF.length)) : circuits.isTroubledTarget(limitKey);
  }

  /** Whether the pause of streams that only wait on is over. Calls back at its end. */
  function mayTakeTroubled(): boolean {
    const leftInMs = troubledAt - clock.now();
    if (leftInMs <= 0) {
      troubledAt = clock.now() + TROUBLED_EVERY_MS;
      return true;
    }
    if (isPausing) return false;
    isPausing = true;
    timers.after(leftInMs, () => {
      isPausing = false;
      resumeNext();
    });
    return false;
  }

  function hasTurn(): boolean {
    return !stopping.aborted && streams.loading < MAX_LOADING_STREAMS;
  }

  /** Whether a stream of a function with an open circuit may be taken now. The state in its hint is read only if there is room for it. */
  function hasRoom(item: WorkItem): boolean {
    if (stopping.aborted || streams.size >= MAX_STREAMS_BESIDE_TROUBLE) return false;
    return hasTurn() || item.state !== undefined;
  }

  function hasCapacity(limitKey: string): boolean {
    return limitKey.startsWith(TURN_OF) || limiter.capacityOf(limitKey) > 0;
  }

  function park(item: WorkItem): void {
    const turn = TURN_OF + item.name.function;
    parking.park(item.name, turn);
    parking.hold(item);
    resumable.add(turn);
  }

  function resumeNext(): void {
    for (const limitKey of resumable) {
      if (!hasTurn()) return;
      if (isTroubled(limitKey) && !mayTakeTroubled()) continue;
      resumable.delete(limitKey);
      if (hasCapacity(limitKey)) takeOne(limitKey);
    }
  }

  function takeOne(limitKey: string): void {
    for (const item of parking.take(limitKey, 1)) streams.take(item);
    if (parking.has(limitKey)) resumable.add(limitKey);
  }

  return {
    accept(item) {
      const limitKey = parking.limitKeyOf(item.name);
      if (limitKey?.startsWith(TURN_OF) || (limitKey !== undefined && limiter.capacityOf(limitKey) === 0)) return parking.hold(item);
      if (circuits.isTroubled(item.name.function) && !hasRoom(item)) return park(item);
      streams.take(item);
    },
    park,
    resume(limitKey) {
      if (parking.has(limitKey)) resumable.add(limitKey);
      resumeNext();
      return parking.has(limitKey);
    },
    resumeNext,
  };
}
