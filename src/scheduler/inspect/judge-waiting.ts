import type { FactOf, Terms } from '#machines/facts.ts';
import type { Invocation } from '#machines/invocation.ts';
import { expiredFact, expiresAt, failedFact, isDelayed } from '#machines/outcome.ts';
import { type RegisteredFunction, termsOf } from '#src/core/functions/definition.ts';
import { missingVersion } from '#src/core/functions/entry.ts';
import { quote } from '#src/core/names/names.ts';

/** What an invocation that waits for an attempt needs now: a wake, a later inspection, or its end. */
type Verdict = { kind: 'wake' | 'wait'; nextAt: number } | { kind: 'end'; fact: FactOf<'failed'> };

/**
 * Decides by the log, the definition and the time. `fn` is `undefined` when the version does not exist.
 */
export function judgeWaiting(
  invocation: Invocation,
  fn: RegisteredFunction | undefined,
  { hasFunction, now }: { hasFunction: boolean; now: number },
): Verdict {
  const { context } = invocation;
  // The woken worker looks whether the leader of its group is over.
  if (isMember(invocation)) return { kind: 'wake', nextAt: Number.POSITIVE_INFINITY };
  if (isDelayed(invocation, now)) return { kind: 'wait', nextAt: context.dueAt ?? now };
  if (fn === undefined) {
    const message = hasFunction ? missingVersion(context) : `function ${quote(context.request?.function ?? '')} does not exist`;
    return { kind: 'end', fact: failedFact('FunctionNotFound', { invocation, at: now, message }) };
  }
  const { maxAgeInMs } = termsOf(fn, context.request ?? {});
  const endsAt = expiresAt(invocation, maxAgeInMs);
  if (now >= endsAt) return { kind: 'end', fact: expiredFact(invocation, now, maxAgeInMs) };
  const dueAt = context.dueAt ?? 0;
  if (isHeld(invocation, fn)) return { kind: 'wait', nextAt: endsAt };
  return now < dueAt ? { kind: 'wait', nextAt: Math.min(dueAt, endsAt) } : { kind: 'wake', nextAt: endsAt };
}

function isMember({ context: { group } }: Invocation): boolean {
  return group?.leader !== undefined;
}

/** Whether an invocation waits for the end of a pause, or for its group, which `close-groups.ts` closes. */
function isHeld({ context: { waitsFor } }: Invocation, { definition: { flow, paused } }: RegisteredFunction): boolean {
  return paused || (waitsFor?.debounce !== undefined && flow?.debounce !== undefined);
}

/** The terms that name the destinations of an invocation: those of its first attempt, or else those of the definition. */
export function termsFor(invocation: Invocation, fn: RegisteredFunction | undefined): Terms | undefined {
  return invocation.context.terms ?? (fn === undefined ? undefined : termsOf(fn, invocation.context.request ?? {}));
}
