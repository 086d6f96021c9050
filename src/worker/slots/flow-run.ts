import type { Fact } from '#machines/facts.ts';
import type { Invocation, InvocationEffect } from '#machines/invocation.ts';
import type { Refusal } from '#src/core/flow/entry-change.ts';
import { isOver } from '#src/core/flow/is-over.ts';
import type { SlotLedger } from '#src/core/flow/slot-ledger.ts';
import { parseRateText } from '#src/core/functions/rate.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import type { RunResult } from '#src/core/stream/active-streams.ts';
import type { StreamWriter } from '#src/core/stream/stream-writer.ts';
import type { HeldAttempt } from '#src/worker/attempt/executions.ts';
import type { ExecutionSlots, Place } from './execution-slots.ts';
import type { GrantedAttempts } from './granted-attempts.ts';
import type { LedgerSlot } from './ledger-slot.ts';

/** What the run of one attempt needs of its stream. */
export type FlowParts = {
  slots: ExecutionSlots;
  ledger: SlotLedger;
  granted: GrantedAttempts;
  attempt: Pick<HeldAttempt, 'invocation' | 'attempt'>;
  /** The slot that the attempt needs now; `undefined` when its function has no flow any more. */
  slotOf: () => LedgerSlot | undefined;
  /** The invocation as the run knows it now. */
  invocation: () => Invocation | undefined;
  /** Appends a fact of the invocation; `undefined` when the machine refuses it. */
  propose: (fact: Fact) => Promise<readonly InvocationEffect[] | undefined>;
  writer: Pick<StreamWriter, 'state' | 'refresh'>;
  clock: Pick<Clock, 'now'>;
  /** Keeps the slot until the invocation is settled. */
  kept: KeptSlots;
};

/**
 * Acquires a place of this worker for an attempt, and a slot that all workers share.
 *
 * The attempt starts after the ledger holds its slot (SLOT1). The slot is freed after the outcome is durable and its result is stored (SLOT3),
 * because no message stands for an attempt that got its slot while it waited: the scheduler finds what a dead worker did not publish by
 * the slot (PUB3). When the log does not say that the attempt is over, the slot stays held, and the next run of the stream finds it (SLOT4).
 *
 * An attempt asks for a slot while it has a place here. Without a slot or a token it waits in the log, and gives its place back (SLOT6). One that got
 * its slot while it waited in the log has its place already.
 */
export async function acquireInFlow(parts: FlowParts): Promise<Place | RunResult | 'again'> {
  const { granted, attempt } = parts;
  // An earlier attempt is over, and its next one may need the slot.
  parts.kept.free(attempt.invocation, parts.invocation());
  const acquired = granted.claim(attempt) ?? (await acquire(parts));
  if (acquired === 'closed') return 'not-started';
  if ('wait' in acquired) return await defer(parts, acquired.wait, acquired.refusal);
  const { slot } = acquired;
  if (slot === undefined) return {};
  parts.kept.keep(attempt.invocation, slot);
  return { onStarted: () => useToken(parts, slot) };
}

/** Why an attempt waits in the log. */
type Why = Refusal['refusal'];
/** A slot and a place, or a wait. Without a slot, the flow of the function was removed meanwhile. */
type Acquired = { slot: LedgerSlot | undefined } | { wait: LedgerSlot; refusal: Why };

async function acquire({ slots, ledger, granted, attempt, slotOf, invocation }: FlowParts): Promise<Acquired | 'closed'> {
  const first = slotOf();
  if (first !== undefined && waitsFirst(invocation(), first)) return { wait: first, refusal: 'full' };
  const place = await granted.placeFor(attempt);
  if (place === false) return 'closed';
  if (place !== true) return place;
  // During a wait the flow may have changed.
  const slot = slotOf();
  if (slot === undefined) return { slot };
  const acquired = await ledger.acquire(slot.pool, slot.waiter, isDeferred(invocation(), slot) || slot.waiter.fifo !== undefined);
  if (acquired === 'held') {
    // The attempt got the slot a second time, with a place of its own, while it asked.
    if (granted.claim(attempt) !== undefined) slots.release();
    return { slot };
  }
  if (acquired === 'closed' || !acquired.isPlaceGiven) slots.release();
  return acquired === 'closed' ? 'closed' : { wait: slot, refusal: acquired.refusal };
}

/**
 * Whether an attempt has to wait in the log without a question to the ledger: in the order of the log, only the scheduler knows the next turn
 * (SLOT7). The next attempt of an invocation that keeps its key has its slot already.
 */
function waitsFirst(invocation: Invocation | undefined, slot: LedgerSlot): boolean {
  const { fifo, attempt } = slot.waiter;
  return fifo !== undefined && !(fifo === 'hold' && attempt > 1) && !isDeferred(invocation, slot);
}

/** Whether the log says that the attempt waits for this slot. */
function isDeferred(invocation: Invocation | undefined, { pool, waiter: { key } }: LedgerSlot): boolean {
  const { waitsFor = null } = invocation?.context ?? {};
  return waitsFor?.pool === pool && waitsFor.key === key;
}

/** Whether nothing was appended to a stream since it was read. */
async function isNewest(writer: FlowParts['writer']): Promise<boolean> {
  const { version } = writer.state;
  await writer.refresh();
  return writer.state.version === version;
}

/** Records that an attempt waits for a slot, or for a token. The worker that gives it the slot starts it (SLOT6). */
async function defer(parts: FlowParts, slot: LedgerSlot, refusal: Why): Promise<RunResult | 'again'> {
  // The item may be acknowledged only by the newest state: this process may have stood still, and another one may have ended the invocation.
  if (isDeferred(parts.invocation(), slot)) return (await isNewest(parts.writer)) ? 'settled' : 'again';
  const { key, invocation, rate: text } = slot.waiter;
  const rate = refusal === 'full' || text === undefined ? {} : { rate: { ...parseRateText(text), ...refusal } };
  const priority = parts.invocation()?.context.request?.priority;
  const flow = { pool: slot.pool, key, ...(priority === undefined ? {} : { priority }), ...rate };
  const fact: Fact = { type: 'deferred', invocation, at: parts.clock.now(), flow };
  return (await parts.propose(fact)) === undefined ? 'again' : 'settled';
}

/** The slots of the attempts that one run of a stream started, by invocation, until the invocation is settled. */
export class KeptSlots {
  readonly #slots = new Map<string, LedgerSlot>();
  readonly #ledger: SlotLedger;

  constructor(ledger: SlotLedger) {
    this.#ledger = ledger;
  }

  keep(id: string, slot: LedgerSlot): void {
    this.#slots.set(id, slot);
  }

  /** The result of the attempt is stored, if it has one. */
  free(id: string, invocation: Invocation | undefined): void {
    const slot = this.#slots.get(id);
    if (slot === undefined) return;
    this.#slots.delete(id);
    freeSlot({ ledger: this.#ledger, invocation: () => invocation }, slot);
  }

  /** The run failed, so the result may not be stored. The scheduler stores it, and frees the slot (PUB3). */
  leave(id: string): void {
    const slot = this.#slots.get(id);
    if (slot === undefined) return;
    this.#slots.delete(id);
    this.#ledger.leave(slot.pool, slot.waiter);
  }
}

/** The attempt started, and uses its token (RATE2). */
function useToken({ ledger }: Pick<FlowParts, 'ledger'>, { pool, waiter }: LedgerSlot): void {
  if (waiter.rate !== undefined) ledger.start(pool, waiter);
}

/** Frees the slot of an attempt if the log shows that the attempt is over, or can never start (SLOT3). */
export function freeSlot({ ledger, invocation }: Pick<FlowParts, 'ledger' | 'invocation'>, slot: LedgerSlot): void {
  const { pool, waiter } = slot;
  const found = invocation();
  if (isOver(found, waiter)) return ledger.release(pool, waiter);
  // Another process started it.
  if ((found?.context.attempts ?? 0) >= waiter.attempt) useToken({ ledger }, slot);
  ledger.leave(pool, waiter);
}
