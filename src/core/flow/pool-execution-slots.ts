import type { PoolId } from '#src/core/functions/flow.ts';
import type { FreeExecutionSlots } from './entry-change.ts';
import type { Waiter } from './ledger-entry.ts';

/** Executes the attempts of one function in this process. */
export type ExecutionSlotOwner = {
  readonly function: string;
  /** Takes a place for an attempt; false when none is free. */
  takeExecutionSlot(): boolean;
  /** Waits for a place; false when the worker of the function stops. */
  waitForExecutionSlot(): Promise<boolean>;
  releaseExecutionSlot(): void;
  /** Starts an attempt that holds a slot and a place. */
  start(pool: PoolId, waiter: Waiter): void;
};

/** The places of one function. `taken`: for the write that is decided now. `isWaiting`: for a place that is to become free. */
type Owned = { owner: ExecutionSlotOwner; spare: number; taken: number; isWaiting: boolean };

/**
 * The places of the workers of one process, for the attempts that get slots of one pool.
 *
 * A place is taken before the write that gives a slot, so that no attempt holds a slot without a place (SLOT6). The places of a write that fails
 * are released.
 */
export class PoolExecutionSlots implements FreeExecutionSlots {
  readonly #owned = new Map<string, Owned>();
  readonly #onPlace: () => void;

  /** `onPlace` is called when a place is free for which a waiter waited. */
  constructor(onPlace: () => void) {
    this.#onPlace = onPlace;
  }

  get hasOwners(): boolean {
    return this.#owned.size > 0;
  }

  add(owner: ExecutionSlotOwner): void {
    this.remove(owner.function);
    this.#owned.set(owner.function, { owner, spare: 0, taken: 0, isWaiting: false });
  }

  remove(functionName: string): void {
    const owned = this.#owned.get(functionName);
    if (owned === undefined) return;
    this.#owned.delete(functionName);
    for (let count = owned.spare + owned.taken; count > 0; count--) owned.owner.releaseExecutionSlot();
  }

  serves(functionName: string): boolean {
    return this.#owned.has(functionName);
  }

  take(functionName: string): boolean {
    const owned = this.#owned.get(functionName);
    if (owned === undefined) return false;
    if (owned.spare > 0) owned.spare--;
    else if (!owned.owner.takeExecutionSlot()) return false;
    owned.taken++;
    return true;
  }

  /** Starts an attempt in a place that was taken, or that a refused attempt gave. */
  start(pool: PoolId, waiter: Waiter): void {
    const owned = this.#owned.get(waiter.function);
    if (owned === undefined) return;
    if (owned.taken > 0) owned.taken--;
    owned.owner.start(pool, waiter);
  }

  /** The write failed. */
  releaseTaken(): void {
    for (const owned of this.#owned.values()) {
      for (; owned.taken > 0; owned.taken--) owned.owner.releaseExecutionSlot();
    }
  }

  /**
   * After a write: waits for places of the functions that need one, and releases those that no waiter needs. `isLast`: no write follows, which
   * would use the places that became free during this one.
   */
  settle(lacking: ReadonlySet<string>, { isLast }: { isLast: boolean }): void {
    this.releaseTaken();
    if (isLast) for (const owned of this.#owned.values()) for (; owned.spare > 0; owned.spare--) owned.owner.releaseExecutionSlot();
    for (const name of lacking) {
      const owned = this.#owned.get(name);
      if (owned !== undefined && !owned.isWaiting) void this.#waitFor(owned);
    }
  }

  async #waitFor(owned: Owned): Promise<void> {
    owned.isWaiting = true;
    const hasPlace = await owned.owner.waitForExecutionSlot();
    owned.isWaiting = false;
    if (!hasPlace) return;
    if (this.#owned.get(owned.owner.function) !== owned) return owned.owner.releaseExecutionSlot();
    owned.spare++;
    this.#onPlace();
  }
}
