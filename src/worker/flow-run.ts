import type { Fact } from '#machines/facts.ts';
import type { Invocation, InvocationEffect } from '#machines/invocation.ts';
import type { NoToken } from '#src/core/flow/change-entry.ts';
import { isOver } from '#src/core/flow/is-over.ts';
import type { Acquired, Deferral } from '#src/core/flow/pool-slots.ts';
import type { SlotLedger } from '#src/core/flow/slot-ledger.ts';
import { parseRateText } from '#src/core/functions/rate.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import type { ExecutionResult } from '#src/core/ports/function-host.ts';
import type { RunResult } from '#src/core/stream/active-streams.ts';
import type { StartStep } from './next-step.ts';
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
  /** Appends a fact of the invocation; `undefined` when the machine refuses it. */
  propose: (fact: Fact) => Promise<readonly InvocationEffect[] | undefined>;
  clock: Pick<Clock, 'now'>;
  /** How the attempt starts now; `undefined` when it cannot start any more. */
  decide: () => Promise<StartStep | undefined>;
  execute: (step: StartStep) => Promise<ExecutionResult>;
  append: (result: ExecutionResult) => 'again' | Promise<'again'>;
};

/**
 * Runs an attempt in a slot of this worker, and in a slot that all workers share.
 *
 * The attempt starts after the ledger holds its slot (SLOT1). The slot is freed after the result is durable (SLOT3). When the log does not
 * say that the attempt is over, the slot stays held, and the next run of the stream finds it (SLOT4).
 *
 * An attempt that waits for the ledger holds no slot of this worker: the attempt that the ledger holds may need that slot. One whose key is
 * full, or has no token, waits in the log and holds no place here, so that other keys go on (SLOT6).
 */
export async function runInFlow(parts: FlowParts): Promise<RunResult | 'again'> {
  const { slots } = parts;
  const acquired = await acquire(parts);
  if (acquired === 'closed') return 'not-started';
  if (acquired.refusal !== undefined) return await defer(parts, acquired.slot, acquired.refusal);
  let held = acquired.slot;
  try {
    if (!slots.tryAcquire() && !(await slots.acquire())) return 'not-started';
    let result: ExecutionResult | undefined;
    try {
      const step = await parts.decide();
      // Without the effect another process started the attempt.
      const isStarted = step !== undefined && (await parts.propose(step.fact))?.includes('execute');
      if (isStarted && held !== undefined) held = useToken(parts, held);
      if (isStarted) result = await parts.execute(step);
    } finally {
      slots.release();
    }
    return result === undefined ? 'again' : await parts.append(result);
  } finally {
    if (held !== undefined) freeSlot(parts, held);
  }
}

/** Why an attempt waits in the log. */
type Refusal = 'key-full' | NoToken;
/** A slot that the ledger holds, or refuses. Without a slot, the flow of the function was removed meanwhile. */
type AcquiredSlot = { slot: SharedSlot; refusal?: Refusal } | { slot: undefined; refusal?: undefined };

async function acquire({ slots, ledger, slotOf, invocation }: FlowParts): Promise<AcquiredSlot | 'closed'> {
  for (;;) {
    const slot = slotOf();
    if (slot === undefined) return { slot };
    if (waitsFirst(invocation(), slot)) return { slot, refusal: 'key-full' };
    const deferral = deferralOf(invocation(), slot);
    const acquired: Acquired = slots.isClosed ? 'closed' : await ledger.acquire(slot.pool, slot.waiter, deferral);
    if (acquired === 'closed') return 'closed';
    if (acquired !== 'changed') return found(slot, acquired);
  }
}

function found(slot: SharedSlot, acquired: 'held' | Refusal): AcquiredSlot {
  return acquired === 'held' ? { slot } : { slot, refusal: acquired };
}

/**
 * Whether an attempt has to wait in the log without a question to the ledger: in the order of the log, only the scheduler knows the next turn
 * (SLOT7). The next attempt of an invocation that keeps its key has its slot already.
 */
function waitsFirst(invocation: Invocation | undefined, slot: SharedSlot): boolean {
  const { fifo, attempt } = slot.waiter;
  return fifo !== undefined && !(fifo === 'hold' && attempt > 1) && !isDeferred(invocation, slot);
}

/** Without a key and priorities, an attempt waits in this worker. In the order of the log, one that asks has a slot by the ledger, or had one a moment ago. */
function deferralOf(invocation: Invocation | undefined, slot: SharedSlot): Deferral {
  if (!slot.waitsInLog) return 'no';
  return isDeferred(invocation, slot) || slot.waiter.fifo !== undefined ? 'again' : 'first';
}

/** Whether the log says that the attempt waits for this slot. */
function isDeferred(invocation: Invocation | undefined, { pool, waiter: { key } }: SharedSlot): boolean {
  const { waitsFor = null } = invocation?.context ?? {};
  return waitsFor?.pool === pool && waitsFor.key === key;
}

/** Records that an attempt waits for a slot of its key, or for a token. The scheduler wakes the stream when the attempt has it (SLOT6). */
async function defer(parts: FlowParts, slot: SharedSlot, refusal: Refusal): Promise<RunResult | 'again'> {
  if (isDeferred(parts.invocation(), slot)) return 'settled';
  const { key, invocation, rate: text } = slot.waiter;
  const rate = refusal === 'key-full' || text === undefined ? {} : { rate: { ...parseRateText(text), ...refusal } };
  const priority = parts.invocation()?.context.request?.priority;
  const flow = { pool: slot.pool, key, ...(priority === undefined ? {} : { priority }), ...rate };
  const fact: Fact = { type: 'deferred', invocation, at: parts.clock.now(), flow };
  if ((await parts.propose(fact)) !== undefined) return 'settled';
  // The attempt may be one that gets the next slot, and the invocation was cancelled meanwhile.
  freeSlot(parts, slot);
  return 'again';
}

/** The attempt started, and uses its token (RATE2). Returns what it holds still. */
function useToken({ ledger }: Pick<FlowParts, 'ledger'>, slot: SharedSlot): SharedSlot | undefined {
  const { rate, ...waiter } = slot.waiter;
  if (rate === undefined) return slot;
  ledger.start(slot.pool, slot.waiter);
  return waiter.perKey === undefined && waiter.total === undefined ? undefined : { ...slot, waiter };
}

/** Frees the slot of an attempt if the log shows that the attempt is over, or can never start (SLOT3). */
export function freeSlot({ ledger, invocation }: Pick<FlowParts, 'ledger' | 'invocation'>, slot: SharedSlot): void {
  const { pool, waiter } = slot;
  const found = invocation();
  if (isOver(found, waiter)) return ledger.release(pool, waiter);
  // Another process started it.
  if ((found?.context.attempts ?? 0) >= waiter.attempt) useToken({ ledger }, slot);
  ledger.leave(pool, waiter);
}
