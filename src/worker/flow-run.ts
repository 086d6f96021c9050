import type { Invocation } from '#machines/invocation.ts';
import { isOver } from '#src/core/flow/is-over.ts';
import type { Acquired } from '#src/core/flow/pool-slots.ts';
import type { SlotLedger } from '#src/core/flow/slot-ledger.ts';
import type { ExecutionResult } from '#src/core/ports/function-host.ts';
import type { SharedSlot } from './shared-slot.ts';
import type { Slots } from './slots.ts';

/** What the run of one attempt needs of its stream. */
export type FlowParts = {
  slots: Slots;
  ledger: SlotLedger;
  /** The slot that the attempt needs now; `undefined` when its function has no flow any more. */
  slotOf: () => SharedSlot | undefined;
  /** The invocation as the run knows it now. */
  invocation: () => Invocation | undefined;
  /** Appends `running` and executes; `undefined` when the attempt cannot start any more, or another process started it. */
  start: () => Promise<ExecutionResult | undefined>;
  append: (result: ExecutionResult) => 'again' | Promise<'again'>;
};

/**
 * Runs an attempt in a slot of this worker, and in a slot that all workers share.
 *
 * The attempt starts after the ledger holds its slot (SLOT1). The slot is freed after the result is durable (SLOT3). When the log does not
 * say that the attempt is over, the slot stays held, and the next run of the stream finds it (SLOT4).
 *
 * An attempt that waits for the ledger holds no slot of this worker: the attempt that the ledger holds may need that slot.
 */
export async function runInFlow(parts: FlowParts): Promise<'again' | 'not-started'> {
  const { slots } = parts;
  const held = await acquire(parts);
  if (held === 'closed') return 'not-started';
  try {
    if (!slots.tryAcquire() && !(await slots.acquire())) return 'not-started';
    let result: ExecutionResult | undefined;
    try {
      result = await parts.start();
    } finally {
      slots.release();
    }
    return result === undefined ? 'again' : await parts.append(result);
  } finally {
    if (held !== undefined) freeSlot(parts, held);
  }
}

/** The slot that the ledger holds for the attempt; `undefined` when the flow of the function was removed meanwhile. */
async function acquire({ slots, ledger, slotOf }: FlowParts): Promise<SharedSlot | 'closed' | undefined> {
  for (;;) {
    const slot = slotOf();
    if (slot === undefined) return undefined;
    const acquired: Acquired = slots.isClosed ? 'closed' : await ledger.acquire(slot.pool, slot.waiter, false);
    if (acquired === 'held') return slot;
    if (acquired === 'closed') return 'closed';
  }
}

/** Frees the slot of an attempt if the log shows that the attempt is over, or can never start (SLOT3). */
export function freeSlot({ ledger, invocation }: Pick<FlowParts, 'ledger' | 'invocation'>, { pool, waiter }: SharedSlot): void {
  if (isOver(invocation(), waiter.attempt)) ledger.release(pool, waiter);
  else ledger.leave(pool, waiter);
}
