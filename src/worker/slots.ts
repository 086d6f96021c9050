/** The slots of one function in one worker: at most `size` executions run at one moment. */
export interface Slots {
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

/** `onDemand` is called when further items may be accepted: a slot became free, or its holder no longer waits for the log. */
export function createSlots(initialSize: number, onDemand: () => void): Slots {
  let size = initialSize;
  let held = 0;
  let executing = 0;
  let isClosed = false;
  const queue: ((granted: boolean) => void)[] = [];
  let head = 0;

  function grant(): void {
    while (head < queue.length && (isClosed || held < size)) {
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
      return Math.max(0, size - held);
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
      if (isClosed || head < queue.length || held >= size) return false;
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
      grant();
      if (held < size) onDemand();
    },
    resize(next) {
      size = next;
      grant();
    },
    close() {
      isClosed = true;
      grant();
    },
  };
}
