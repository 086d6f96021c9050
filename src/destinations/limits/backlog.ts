import type { ActiveStreams } from '#src/core/stream/active-streams.ts';
import type { WorkItem } from '#src/core/stream/work-queue.ts';
import type { Circuits } from './circuits.ts';
import type { Parking } from './parking.ts';
import type { TargetLimiter } from './target-limiter.ts';

/**
 * The order in which this process reads streams.
 *
 * A backlog of dead targets consists of many streams that are read only to be postponed or parked again. Each read costs the server several
 * messages. So the backlog is read by few reads at once, in turns of the limit keys, and the streams of other targets do not wait for it.
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
  stopping: AbortSignal;
};

/** Parked streams are read only while fewer streams than this are being read. */
const MAX_LOADING_STREAMS = 8;
/**
 * While so many streams are in progress, further ones of functions with an open circuit are parked, also when the hint has their state. Each would
 * append a postponement, and thousands of them in progress would leave no room to take the hints of other targets from the log.
 */
const MAX_STREAMS_BESIDE_TROUBLE = 256;

/** The key under which streams are parked that wait for their turn and not for a limit key. */
const TURN = '';

export function createBacklog({ limiter, circuits, parking, streams, stopping }: BacklogOptions): Backlog {
  /** The limit keys that have capacity for parked streams. */
  const resumable = new Set<string>();

  function hasTurn(): boolean {
    return !stopping.aborted && streams.loading < MAX_LOADING_STREAMS;
  }

  /** Whether a stream of a function with an open circuit may be taken now. The state in its hint is read only if there is room for it. */
  function hasRoom(item: WorkItem): boolean {
    if (stopping.aborted || streams.size >= MAX_STREAMS_BESIDE_TROUBLE) return false;
    return hasTurn() || item.state !== undefined;
  }

  function hasCapacity(limitKey: string): boolean {
    return limitKey === TURN || limiter.capacityOf(limitKey) > 0;
  }

  function park(item: WorkItem): void {
    parking.park(item.name, TURN);
    parking.hold(item);
    resumable.add(TURN);
  }

  function resumeNext(): void {
    for (const limitKey of resumable) {
      if (!hasTurn()) return;
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
      if (limitKey === TURN || (limitKey !== undefined && limiter.capacityOf(limitKey) === 0)) return parking.hold(item);
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
