import { messageOf } from '#src/core/errors.ts';
import type { PoolId } from '#src/core/functions/flow.ts';
import type { Attempt, Waiter } from './ledger-entry.ts';
import { type Acquired, PoolSlots, type PoolSlotsOptions } from './pool-slots.ts';

/**
 * The slots that functions share over all workers, as one worker uses them.
 *
 * - (SLOT1) `running` of an attempt is appended only after the ledger holds its slot.
 * - (SLOT2) An attempt gets a slot only if the limits of its function hold after it.
 * - (SLOT3) A slot is freed only when the log shows that its attempt is over, or can never start.
 * - (SLOT4) A worker that finds the slot of an attempt held may start the attempt: the append of `running` lets one of several do so. A worker
 *   that died before that append therefore blocks nothing.
 * - (SLOT5) Freed slots go to those that wait, in their order, before anybody else.
 *
 * The ledger is watched from the first attempt of a function with a flow on. Without such a function, nothing is read.
 */
export interface SlotLedger {
  acquire(pool: PoolId, waiter: Waiter, mayDefer: boolean): Promise<Acquired>;
  release(pool: PoolId, attempt: Attempt): void;
  leave(pool: PoolId, attempt: Attempt): void;
  /** How many attempts of a function wait for a slot here. */
  waitingOf(functionName: string): number;
  /** Ends the waits of a function. */
  endWaits(functionName: string, acquired: 'changed' | 'closed'): void;
  /** Reads the entries again for which attempts wait. */
  refresh(): void;
  /** Watches the ledger from now on, and reports its entries. */
  watch(): void;
  /** Resolves when every release is stored, or cannot be. */
  close(): Promise<void>;
}

export type SlotLedgerOptions = PoolSlotsOptions & {
  signal: AbortSignal;
  /** Called with every entry, and without a text when the bucket was created again. */
  onEntry?: (pool: PoolId, text: string | undefined) => void;
};

const WATCH_AGAIN_AFTER_MS = 5_000;

export function createSlotLedger(options: SlotLedgerOptions): SlotLedger {
  const pools = new Map<PoolId, PoolSlots>();
  let isWatched = false;

  function poolOf(id: PoolId): PoolSlots {
    const known = pools.get(id);
    if (known !== undefined) return known;
    const created = new PoolSlots(id, options);
    pools.set(id, created);
    watch();
    return created;
  }

  function watch(): void {
    if (isWatched) return;
    isWatched = true;
    void follow();
  }

  async function follow(): Promise<void> {
    const { store, signal, logger, clock } = options;
    while (!signal.aborted) {
      try {
        return await store.watch(note, signal);
      } catch (error) {
        logger.warn({ error: messageOf(error) }, 'the ledger of slots cannot be watched');
        await clock.sleep(WATCH_AGAIN_AFTER_MS, signal);
      }
    }
  }

  function note({ key, revision, value }: { key: string; revision: number; value?: string }): void {
    pools.get(key as PoolId)?.note(revision, value);
    options.onEntry?.(key as PoolId, value);
  }

  return {
    acquire: (pool, waiter, mayDefer) => poolOf(pool).acquire(waiter, mayDefer),
    release: (pool, attempt) => poolOf(pool).release(attempt),
    leave: (pool, attempt) => poolOf(pool).leave(attempt),
    waitingOf(functionName) {
      let waiting = 0;
      for (const pool of pools.values()) waiting += pool.waitingOf(functionName);
      return waiting;
    },
    endWaits(functionName, acquired) {
      for (const pool of pools.values()) pool.endWaits(functionName, acquired);
    },
    refresh() {
      for (const pool of pools.values()) pool.refresh();
    },
    watch,
    async close() {
      await Promise.all([...pools.values()].map((pool) => pool.close()));
    },
  };
}
