import { messageOf } from '#src/core/errors.ts';
import type { PoolId } from '#src/core/functions/flow.ts';
import type { Acquired } from './entry-change.ts';
import { type Attempt, decodeLedgerEntry, entryKeyOf, type LedgerEntry, type Waiter } from './ledger-entry.ts';
import type { ExecutionSlotOwner } from './pool-execution-slots.ts';
import { PoolSlots, type PoolSlotsOptions } from './pool-slots.ts';
import { isSpillKey, SpillRoom } from './spilled-buckets.ts';

/**
 * The slots that functions share over all workers, as one process uses them.
 *
 * - (SLOT1) `running` of an attempt is appended only after the ledger holds its slot.
 * - (SLOT2) An attempt gets a slot only if the limits of its function hold after it.
 * - (SLOT3) A slot is freed only when the log shows that its attempt is over, or can never start.
 * - (SLOT4) A worker that finds the slot of an attempt held may start the attempt: the append of `running` lets one of several do so. A worker
 *   that died before that append therefore blocks nothing.
 * - (SLOT5) Freed slots go to the attempts that wait, in their order, before any other.
 * - (SLOT6) An attempt without a slot or a token waits in the log, and holds no place of a worker. A worker gives a slot to a waiter only with a free
 *   place, and starts the attempt itself. So the entry has no more holders than the workers have places, whatever the number of keys is.
 *
 * The ledger is watched from the first function with a flow on. Without such a function, nothing is read.
 */
export interface SlotLedger {
  /** Gives slots of a pool to the waiters of a function of this process from now on. */
  serve(pool: PoolId, owner: ExecutionSlotOwner): void;
  /** Ends that, and the questions of the function. */
  endService(pool: PoolId, functionName: string): void;
  /** Asks for a slot, for an attempt that has a place in its worker. */
  acquire(pool: PoolId, waiter: Waiter, isAgain: boolean): Promise<Acquired>;
  /** The attempt started by the log, so it uses its token (RATE2). */
  start(pool: PoolId, attempt: Attempt): void;
  release(pool: PoolId, attempt: Attempt): void;
  leave(pool: PoolId, attempt: Attempt): void;
  /** Decides again what the entry of a pool needs (`plan`). */
  decideAgain(pool: PoolId): void;
  /** Reads the entries again for which attempts wait. */
  refresh(): void;
  /** Watches the ledger from now on, and reports its entries. */
  watch(): void;
  /** Watches the ledger from now on, and reports the entry of a pool, also when it was reported before. */
  look(pool: PoolId): void;
  /** Resolves when every release is stored, or cannot be. */
  close(): Promise<void>;
}

export type SlotLedgerOptions = Omit<PoolSlotsOptions, 'onEntry' | 'room'> & {
  signal: AbortSignal;
  /** Called with every newer entry, and without one when the bucket was created again. */
  onEntry?: (pool: PoolId, entry: LedgerEntry | undefined) => void;
};

const WATCH_AGAIN_AFTER_MS = 5_000;

/** Repeats what the store refuses, until the signal aborts. */
async function repeated({ signal, logger, clock }: SlotLedgerOptions, read: () => Promise<void>): Promise<void> {
  while (!signal.aborted) {
    try {
      return await read();
    } catch (error) {
      logger.warn({ error: messageOf(error) }, 'the ledger of slots cannot be watched');
      await clock.sleep(WATCH_AGAIN_AFTER_MS, signal);
    }
  }
}

export function createSlotLedger(options: SlotLedgerOptions): SlotLedger {
  const pools = new Map<PoolId, PoolSlots>();
  const reported = new Map<PoolId, number>();
  const room = new SpillRoom();
  let isWatched = false;
  let isLoaded = false;

  function poolOf(id: PoolId): PoolSlots {
    const known = pools.get(id);
    if (known !== undefined) return known;
    const created = new PoolSlots(id, { ...options, room, onEntry: report });
    pools.set(id, created);
    watch();
    return created;
  }

  function watch(): void {
    if (!isWatched) void follow();
    isWatched = true;
  }

  async function follow(): Promise<void> {
    await repeated(options, async () => {
      await options.store.watch((change) => isSpillKey(change.key) || note(change), options.signal);
      isLoaded = true;
    });
  }

  async function look(pool: PoolId): Promise<void> {
    await repeated(options, async () => {
      const found = await options.store.get(entryKeyOf(pool));
      if (found !== undefined) options.onEntry?.(pool, decodeLedgerEntry(found.value));
    });
  }

  function note({ key, revision, value }: { key: string; revision: number; value?: string }): void {
    const pool = pools.get(key as PoolId);
    // No process reads again what it wrote.
    if (value !== undefined && revision <= (reported.get(key as PoolId) ?? -1)) return;
    try {
      const entry = value === undefined ? undefined : decodeLedgerEntry(value);
      pool?.applyRead(revision, entry);
      report(key as PoolId, entry, revision);
    } catch (error) {
      options.logger.error({ pool: key, error: messageOf(error) }, 'an entry of the ledger of slots cannot be read');
    }
  }

  /** The answer to a write may come before or after the watch reports the entry. */
  function report(pool: PoolId, entry: LedgerEntry | undefined, revision: number): void {
    if (entry === undefined) reported.delete(pool);
    else if (revision <= (reported.get(pool) ?? -1)) return;
    else reported.set(pool, revision);
    options.onEntry?.(pool, entry);
  }

  return {
    serve: (pool, owner) => poolOf(pool).serve(owner),
    endService: (pool, functionName) => pools.get(pool)?.endService(functionName),
    acquire: (pool, waiter, isAgain) => poolOf(pool).acquire(waiter, isAgain),
    decideAgain: (pool) => poolOf(pool).decideAgain(),
    start: (pool, attempt) => poolOf(pool).start(attempt),
    release: (pool, attempt) => poolOf(pool).release(attempt),
    leave: (pool, attempt) => poolOf(pool).leave(attempt),
    refresh() {
      for (const pool of pools.values()) pool.refresh();
    },
    watch,
    look(pool) {
      watch();
      // Before, the watch reports the entry, unless it did so already.
      if (isLoaded || reported.has(pool)) void look(pool);
    },
    async close() {
      await Promise.all([...pools.values()].map((pool) => pool.close()));
    },
  };
}
