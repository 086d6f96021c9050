import type { FunctionName } from '#src/core/names/names.ts';
import type { NewestRead } from '#src/core/ports/stores/saved-floor.ts';

/**
 * The consumers of functions at the server. A function has a consumer while it has work (CONS1 to CONS5 in `src/DESIGN.md`).
 *
 * Each method is one step that a process can die after. `openConsumer` and `removeIdleConsumer` are the only sequences of them.
 */
export interface WorkConsumers {
  /** The functions that have a consumer. */
  list(): Promise<ReadonlySet<FunctionName>>;
  /** The consumer of a function; `undefined` when it has none. */
  find(name: FunctionName): Promise<FoundConsumer | undefined>;
  /** The sequence of the newest request or wake of a function in the log; 0 without one. */
  newestItem(name: FunctionName): Promise<number>;
  /** The sequence up to which all items of a function were acknowledged when it was saved last; 0 when nothing proves it (MARK1). */
  readFloor(name: FunctionName): Promise<number>;
  saveFloor(name: FunctionName, found: FoundConsumer): Promise<void>;
  /** Creates a consumer that delivers the items after a floor. One that another process has created meanwhile stays as it is. */
  create(name: FunctionName, floor: number): Promise<void>;
  delete(name: FunctionName): Promise<void>;
  /** Tells the workers that a function has a consumer. A lost hint is made good by the next list. */
  hint(name: FunctionName): void;
  onHint(listener: (name: FunctionName) => void, signal: AbortSignal): void;
  /**
   * Whether a scheduler opens the consumers of all items that the log holds at the time of the question (CONS5). False when none answers in a
   * second.
   */
  isCovered(): Promise<boolean>;
  /** Answers for this scheduler until the signal aborts. `hasRead` rejects when it has not read so far: the question gets no answer then. */
  answerCovered(hasRead: () => Promise<unknown>, signal: AbortSignal): void;
}

/**
 * A consumer, as the server described it. `floor`: all its items up to this sequence are acknowledged. `newest`: the newest message of the log,
 * read before the consumer, which proves the floor; `undefined` in an empty log.
 */
export type FoundConsumer = { floor: number; newest: NewestRead | undefined };

/**
 * Opens the consumer of a function at its saved floor, unless it is open, or the log holds no item of the function above the floor.
 *
 * Resolves to whether the function has a consumer then (CONS2).
 */
export async function openConsumer(consumers: WorkConsumers, name: FunctionName): Promise<boolean> {
  if ((await consumers.find(name)) !== undefined) return true;
  const floor = await consumers.readFloor(name);
  if ((await consumers.newestItem(name)) <= floor) return false;
  await consumers.create(name, floor);
  return true;
}

/**
 * Opens the consumer that a worker pulls from. Resolves to false when the function has none and no work, and its worker ends: `onGone` returns
 * whether it does (CONS3).
 */
export async function openForWorker(consumers: WorkConsumers, name: FunctionName, onGone: () => boolean): Promise<boolean> {
  if (await openConsumer(consumers, name)) return true;
  if (onGone()) return false;
  await consumers.create(name, await consumers.readFloor(name));
  return true;
}

/**
 * Removes the consumer of a function, when the newest item of the log is acknowledged (CONS3). Resolves to whether the function has none then.
 *
 * An item that arrives during these steps is found by the last one, which asks the log again. If the process dies before, the next list of
 * another process finds the item (CONS4).
 */
export async function removeIdleConsumer(consumers: WorkConsumers, name: FunctionName): Promise<boolean> {
  const found = await consumers.find(name);
  if (found === undefined) return true;
  if ((await consumers.newestItem(name)) > found.floor) return false;
  await consumers.saveFloor(name, found);
  await consumers.delete(name);
  return !(await openConsumer(consumers, name));
}
