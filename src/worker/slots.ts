/** Places for executions: at most `size` at one moment. */
export interface Slots {
  readonly free: number;
  /** How many wait for a place. */
  readonly waiting: number;
  /** How many of those who have a place execute; the others wait for the log. */
  readonly executing: number;
  /** Takes a place if one is free and nobody waits for it. */
  tryTake(): boolean;
  /** Waits for a place; false when the slots were closed. */
  take(): Promise<boolean>;
  release(): void;
  /** An execution begins in a place that is taken: its stream waits for the log no longer. */
  begin(): void;
  end(): void;
  /** Changes the number of places; those taken stay taken. */
  resize(size: number): void;
  /** Gives nobody a place any more. */
  close(): void;
}

/** `onRoom` is told that there may be room for more: a place became free that nobody waits for, or somebody executes. */
export function createSlots(initialSize: number, onFree: () => void): Slots {
  let size = initialSize;
  let taken = 0;
  let executing = 0;
  let isClosed = false;
  const queue: ((granted: boolean) => void)[] = [];
  let head = 0;

  function grant(): void {
    while (head < queue.length && (isClosed || taken < size)) {
      const next = queue[head++];
      if (!isClosed) taken++;
      next?.(!isClosed);
    }
    if (head === queue.length) {
      queue.length = 0;
      head = 0;
    }
  }

  return {
    get free() {
      return Math.max(0, size - taken);
    },
    get waiting() {
      return queue.length - head;
    },
    get executing() {
      return executing;
    },
    begin() {
      executing++;
      onFree();
    },
    end() {
      executing--;
    },
    tryTake() {
      if (isClosed || head < queue.length || taken >= size) return false;
      taken++;
      return true;
    },
    take() {
      return new Promise((resolve) => {
        queue.push(resolve);
        grant();
      });
    },
    release() {
      taken--;
      grant();
      if (taken < size) onFree();
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
