/** Places for executions: at most `size` at one moment. */
export interface Slots {
  readonly free: number;
  /** How many wait for a place. */
  readonly waiting: number;
  /** Takes a place if one is free and nobody waits for it. */
  tryTake(): boolean;
  /** Waits for a place; false when the slots were closed. */
  take(): Promise<boolean>;
  release(): void;
  /** Changes the number of places; those taken stay taken. */
  resize(size: number): void;
  /** Gives nobody a place any more. */
  close(): void;
}

/** `onFree` is told that a place became free and nobody waits for it. */
export function createSlots(initialSize: number, onFree: () => void): Slots {
  let size = initialSize;
  let taken = 0;
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
