import type { FunctionName } from '#src/core/names/names.ts';
import { systemTimers, type Timers } from '#src/core/ports/clock.ts';
import type { WorkItem } from '#src/core/stream/work-queue.ts';
import type { Backlog } from './backlog.ts';

/**
 * Takes the hints of functions in turns, so that a burst of one function delays no other one (CIRC3).
 *
 * The log delivers hints in its order. Each one that is taken starts a read, an append or a try, which all later ones wait for.
 */
export interface FairIntake {
  /** How many hints wait for their turn. */
  readonly size: number;
  /** How many hints may be requested more. It is limited only while the waiting ones are of one function: those of several share their places. */
  readonly room: number;
  /** Takes a hint at once when none came lately, and else in the turn of its function. */
  push(item: WorkItem): void;
  /** A stream was read, so that a further one may be. */
  resume(): void;
  /** Extends the lease of every waiting hint. */
  keepLeases(): void;
}

/** How many hints are taken before the event loop handles what else has arrived, such as the hint of another function. */
const TAKEN_AT_ONCE = 16;
/** How many hints wait together. The functions share these places, and a hint beyond the share of its function is parked. */
const MAX_QUEUED = 2_000;

type Options = {
  timers?: Timers | undefined;
  stopping: AbortSignal;
  /** Whether a further stream may be read from the log. */
  mayRead: () => boolean;
  backlog: Pick<Backlog, 'accept' | 'park'>;
};

export function createFairIntake({ timers = systemTimers, stopping, mayRead, backlog }: Options): FairIntake {
  /** The function whose turn is next is the first one. */
  const queues = new Map<FunctionName, WorkItem[]>();
  let isTurn = false;
  let size = 0;

  function enqueue(item: WorkItem): void {
    const { function: name } = item.name;
    const queue = queues.get(name) ?? [];
    queues.set(name, queue);
    const isFull = queue.length >= MAX_QUEUED / queues.size || (size >= MAX_QUEUED && queue.length > 0);
    if (isFull) return backlog.park(item);
    queue.push(item);
    size++;
    schedule();
  }

  function schedule(): void {
    if (isTurn) return;
    isTurn = true;
    timers.after(0, takeTurn);
  }

  function mayTake(item: WorkItem): boolean {
    return mayRead() || hasState(item) || stopping.aborted;
  }

  /** The next hint of the first function whose next hint may be taken now. */
  function next(): WorkItem | undefined {
    for (const [name, queue] of queues) {
      const [first] = queue;
      if (first === undefined || !mayTake(first)) continue;
      queue.shift();
      queues.delete(name);
      if (queue.length > 0) queues.set(name, queue);
      size--;
      return first;
    }
    return undefined;
  }

  function takeTurn(): void {
    for (let taken = 0; taken < TAKEN_AT_ONCE || stopping.aborted; taken++) {
      const item = next();
      if (item === undefined) {
        isTurn = false;
        return;
      }
      if (stopping.aborted) item.release();
      else backlog.accept(item);
    }
    timers.after(0, takeTurn);
  }

  stopping.addEventListener('abort', schedule, { once: true });
  return {
    get size() {
      return size;
    },
    get room() {
      return queues.size > 1 ? Number.POSITIVE_INFINITY : MAX_QUEUED - size;
    },
    push(item) {
      if (isTurn || size > 0 || !mayTake(item)) return enqueue(item);
      schedule();
      backlog.accept(item);
    },
    resume() {
      if (size > 0) schedule();
    },
    keepLeases() {
      for (const queue of queues.values()) for (const item of queue) item.working();
    },
  };
}

/** Asks without reading the state. */
function hasState(item: WorkItem): boolean {
  return item.mayHaveState ?? item.state !== undefined;
}
