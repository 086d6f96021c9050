import { messageOf } from '#src/core/errors.ts';
import type { PoolId } from '#src/core/functions/flow.ts';
import type { Attempt, Waiter } from './ledger-entry.ts';
import { type Acquired, type Deferral, PoolSlots, type PoolSlotsOptions } from './pool-slots.ts';

/**
 * The slots that functions share over all workers, as one worker uses them.
 *
 * - (SLOT1) `running` of an attempt is appended only after the ledger holds its slot.
 * - (SLOT2) An attempt gets a slot only if the limits of its function hold after it.
 * - (SLOT3) A slot is freed only when the log shows that its attempt is over, or can never start.
 * - (SLOT4) A worker that finds the slot of an attempt held may start the attempt: the append of `running` lets one of several do so. A worker
 *   that died before that append therefore blocks nothing.
 * - (SLOT5) Freed slots go to those that wait, in their order, before anybody else.
 * - (SLOT6) An attempt whose key is full waits in the log, and holds no place of a worker. So does one without a token of its rate (RATE1).
 *
 * The ledger is watched from the first attempt of a function with a flow on. Without such a function, nothing is read.
 */
export interface SlotLedger {
  acquire(pool: PoolId, waiter: Waiter, deferral: Deferral): Promise<Acquired>;
  /** The attempt started by the log, so it uses its token (RATE2). */
  start(pool: PoolId, waiter: Waiter): void;
  release(pool: PoolId, attempt: Attempt): void;
  leave(pool: PoolId, attempt: Attempt): void;
  /** How many attempts of a function want a slot here, and how many of them wait, because none was free. */
  pendingOf(functionName: string): { acquiring: number; waiting: number };
  /** Decides again what the entry of a pool needs (`plan`). */
  planAgain(pool: PoolId): void;
  /** Ends the waits of a function. */
  endWaits(functionName: string, acquired: 'changed' | 'closed'): void;
  /** Reads the entries again for which attempts wait. */
  refresh(): void;
  /** Watches the ledger from now on, and reports its entries. */
  watch(): void;
  /** Resolves when every release is stored, or cannot be. */
  close(): Promise<void>;
}

export type SlotLedgerOptions = Omit<PoolSlotsOptions, 'onEntry'> & {
  signal: AbortSignal;
  /** Called with every newer entry, and without a text when the bucket was created again. */
  onEntry?: (pool: PoolId, text: string | undefined) => void;
};

const WATCH_AGAIN_AFTER_MS = 5_000;

export function createSlotLedger(options: SlotLedgerOptions): SlotLedger {
  const pools = new Map<PoolId, PoolSlots>();
  const reported = new Map<PoolId, number>();
  let isWatched = false;

  function poolOf(id: PoolId): PoolSlots {
    const known = pools.get(id);
    if (known !== undefined) return known;
    const created = new PoolSlots(id, { ...options, onEntry: report });
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
    report(key as PoolId, value, revision);
  }

  /** The answer to a write may come before or after what the watch says of it. */
  function report(pool: PoolId, text: string | undefined, revision: number): void {
    if (text === undefined) reported.delete(pool);
    else if (revision <= (reported.get(pool) ?? -1)) return;
    else reported.set(pool, revision);
    options.onEntry?.(pool, text);
  }

  return {
    acquire: (pool, waiter, deferral) => poolOf(pool).acquire(waiter, deferral),
    planAgain: (pool) => poolOf(pool).planAgain(),
    start: (pool, waiter) => poolOf(pool).start(waiter),
    release: (pool, attempt) => poolOf(pool).release(attempt),
    leave: (pool, attempt) => poolOf(pool).leave(attempt),
    pendingOf(functionName) {
      let [acquiring, waiting] = [0, 0];
      for (const pool of pools.values()) {
        const pending = pool.pendingOf(functionName);
        acquiring += pending.acquiring;
        waiting += pending.waiting;
      }
      return { acquiring, waiting };
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
