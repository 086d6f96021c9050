import { attemptIdOf } from '#src/core/flow/entry-change.ts';
import type { Attempt, LedgerEntry, Waiter } from '#src/core/flow/ledger-entry.ts';
import { limitsOf } from '#src/core/functions/flow.ts';
import { parseFunctionName } from '#src/core/names/names.ts';
import type { SchedulerOptions } from '#src/scheduler/ports.ts';
import { attemptOf, type WaitingAttempt, type WaitingKey } from '#src/scheduler/waits/waiting-key.ts';

/** How many attempts of a key with an order are in the entry: the one that has its turn, and the next. */
const IN_ORDER = 2;

type OrderOfEntry = {
  /** The attempts that the entry names. */
  named: ReadonlySet<string>;
  /** The sequence of the first request of the function of which the log does not say yet for which key it waits. */
  before: number;
  /** Whether an attempt left the entry, and the log may not show yet why. */
  hasLeft: (place: WaitingAttempt) => boolean;
  /** Called when the next attempt has to wait for the places of earlier requests. */
  onUnplaced: (place: WaitingAttempt) => void;
};

/**
 * The attempts of a key that are to be named by the entry next, in the order of the log (SLOT7).
 *
 * A request without a place may have the key, so nothing that is later than the request gets its turn. An attempt that left the entry holds
 * up its key until the log says why.
 */
export function nextInOrder(waiting: WaitingKey, { named, before, hasLeft, onUnplaced }: OrderOfEntry): Attempt[] {
  const next: Attempt[] = [];
  for (const place of waiting.first(IN_ORDER)) {
    const attempt = attemptOf(place);
    if (named.has(attemptIdOf(attempt))) continue;
    if (place.request >= before) {
      onUnplaced(place);
      break;
    }
    if (hasLeft(place)) break;
    next.push(attempt);
  }
  return next;
}

/** The attempts that take over the slots that earlier attempts of their invocations kept. `findNext` finds an attempt that waits in the log. */
export function nextOfKept(
  { holders }: LedgerEntry,
  findNext: (holder: Attempt) => Attempt | undefined,
  functions: SchedulerOptions['functions'],
): Waiter[] {
  return holders.flatMap((holder) => {
    const next = holder.fifo === 'hold' ? findNext(holder) : undefined;
    const flow = next === undefined ? undefined : functions.get(parseFunctionName(next.function))?.definition.flow;
    return next === undefined || flow === undefined ? [] : [{ ...next, ...limitsOf(flow) }];
  });
}
