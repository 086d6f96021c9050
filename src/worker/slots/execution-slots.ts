import type { StartStep } from '#src/worker/attempt/next-step.ts';
import type { WorkerSlots } from './worker-slots.ts';

/** The slots of one function in one worker: at most `size` executions run at one moment. */
export interface ExecutionSlots {
  /** How many slots are held. More than `size` for a while after `resize` made the number smaller. */
  readonly held: number;
  readonly size: number;
  readonly free: number;
  /** How many callers of `acquire` wait for a slot. */
  readonly waiting: number;
  /** Whether no further slot is granted. */
  readonly isClosed: boolean;
  /** How many slot holders execute. The others wait for the log. */
  readonly executing: number;
  /** Takes a slot if one is free and no other caller waits for it. */
  tryAcquire(): boolean;
  /** Waits for a slot, in the order of the calls; false when the slots were closed. */
  acquire(): Promise<boolean>;
  release(): void;
  /** Counts a slot holder as executing. */
  startExecution(): void;
  endExecution(): void;
  /** Changes the number of slots. Slots that are held stay held. */
  resize(size: number): void;
  /** Grants no further slot. */
  close(): void;
}

/** The slots of the worker that the function shares with others, and its project. */
type Shared = { slots: WorkerSlots; project: string | undefined };

/**
 * `onDemand` is called when further items may be accepted: a slot became free, or its holder no longer waits for the log. With `shared`, a slot
 * of the function is one of the worker too.
 */
export function createExecutionSlots(initialSize: number, onDemand: () => void, shared?: Shared): ExecutionSlots {
  const share = shared?.slots.join(shared.project, () => grant());
  let size = initialSize;
  let held = 0;
  let executing = 0;
  let isClosed = false;
  const queue: ((granted: boolean) => void)[] = [];
  let head = 0;

  /** Whether the first caller that waits can be answered; then it has a slot of the worker, unless the slots are closed. */
  function canGrant(): boolean {
    if (head === queue.length) return false;
    return isClosed || (held < size && share?.take() !== false);
  }

  function grant(): void {
    while (canGrant()) {
      const next = queue[head++];
      if (!isClosed) held++;
      next?.(!isClosed);
    }
    if (head === queue.length) {
      queue.length = 0;
      head = 0;
    }
  }

  return {
    get held() {
      return held;
    },
    get size() {
      return size;
    },
    get free() {
      const free = Math.max(0, size - held);
      return share === undefined ? free : Math.min(free, share.free);
    },
    get waiting() {
      return queue.length - head;
    },
    get isClosed() {
      return isClosed;
    },
    get executing() {
      return executing;
    },
    startExecution() {
      executing++;
      onDemand();
    },
    endExecution() {
      executing--;
    },
    tryAcquire() {
      if (isClosed || head < queue.length || held >= size || share?.tryTake() === false) return false;
      held++;
      return true;
    },
    acquire() {
      return new Promise((resolve) => {
        queue.push(resolve);
        grant();
      });
    },
    release() {
      held--;
      share?.release();
      grant();
      if (held < size) onDemand();
    },
    resize(next) {
      size = next;
      grant();
    },
    close() {
      isClosed = true;
      share?.leave();
      grant();
    },
  };
}

/**
 * A place of this worker for one attempt. `step`: how the attempt starts; it is decided again when it is absent. `isLocal`: the place came without a
 * slot of the ledger. `onStarted` is called when the attempt starts.
 */
export type Place = { step?: StartStep; isLocal?: boolean; onStarted?: () => void };

/** A place of this worker. `not-started` when the worker stops before a place is free. */
export function acquirePlace(slots: ExecutionSlots, step: StartStep): Place | Promise<Place | 'not-started'> {
  if (slots.tryAcquire()) return { step, isLocal: true };
  // During the wait the function may have changed, so the step is decided again.
  return slots.acquire().then((isAcquired) => (isAcquired ? { isLocal: true } : 'not-started'));
}
