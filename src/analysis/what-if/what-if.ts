import type { Backoff, Condition, Fact, FactOf, Outcome } from '#machines/facts.ts';
import { type Invocation, invocationFolder } from '#machines/invocation.ts';
import { expiresAt, firstDueAt } from '#machines/outcome.ts';
import { afterFailure, canTryAgain } from '#machines/retry.ts';
import { type History, momentsOf, requestIn, stateOf } from '#src/analysis/history.ts';
import { say } from '#src/analysis/say.ts';

/** The changed part of the policy. */
export type Policy = { maxRetries?: number; maxAgeInMs?: number; backoff?: Partial<Backoff> };

/** How an invocation ended, or would have ended. */
type Ending = { outcome: Outcome['type']; condition?: Condition; attempts: number; at: number };

/**
 * How one invocation would have ended. `undecided`: it would have made an attempt, or a wait, that is not recorded. The fold invents
 * no results.
 */
export type Supposition = { requestId: string; function: string; recorded: Ending | undefined } & (
  | { kind: 'same' | 'different'; supposed: Ending }
  | { kind: 'undecided'; attempts: number; why: string }
);

type Result = FactOf<'retrying'> | Outcome;
/** A recorded attempt: how late it started, how long it took, and its result. `isForced`: a person or a limit ended it, not the policy. */
type Attempt = { lateInMs: number; tookInMs: number; fact: FactOf<'running'>; result: Result; isForced: boolean };

/**
 * Folds a recorded history again under another policy, with the same machine and the same decisions.
 *
 * Assumption: a recorded attempt has the same result at another time. Nothing is assumed about attempts that were not made.
 */
export function whatIf(history: History, policy: Policy): Supposition {
  const state = stateOf(history);
  const { outcome } = state.context;
  const recorded = outcome === null ? undefined : endingOf(outcome);
  const base = { requestId: history.requestId, function: history.function, recorded };
  const request = requestIn(history);
  if (request === undefined) return { ...base, kind: 'undecided', attempts: 0, why: say('the log does not hold its request') };
  const supposed = suppose(history, request, policy);
  if ('why' in supposed) return { ...base, kind: 'undecided', ...supposed };
  return { ...base, kind: recorded !== undefined && isSame(recorded, supposed) ? 'same' : 'different', supposed };
}

type Undecided = { attempts: number; why: string };

function suppose(history: History, request: FactOf<'queued'>, policy: Policy): Ending | Undecided {
  const attempts = attemptsIn(history);
  let invocation = step(invocationFolder.initial, request);
  const first = history.transitions.find(({ fact }) => fact.type === 'running')?.fact as FactOf<'running'> | undefined;
  if (first === undefined) return neverRan(history, request, policy);
  let at = first.at;
  for (const attempt of attempts) {
    const number = attempt.fact.attempt;
    invocation = step(invocation, { ...attempt.fact, at, ...(number === 1 ? { terms: changed(attempt.fact, policy) } : {}) });
    // A worker checks the age before it starts an attempt.
    if (at >= expiresAt(invocation, 0)) return tooOld(invocation, number - 1);
    const next = afterAttempt(invocation, attempt, at + attempt.tookInMs);
    if (next.type !== 'retrying') return next.ending;
    const following = attempts[number];
    if (next.fact.dueAt >= expiresAt(invocation, 0)) return tooOld(invocation, number);
    invocation = step(invocation, next.fact);
    if (following === undefined) return endedWaiting(history, invocation, number);
    at = next.fact.dueAt + following.lateInMs;
  }
  return { attempts: attempts.length, why: say('the end of its attempt is not recorded') };
}

type Next = { type: 'retrying'; fact: FactOf<'retrying'> } | { type: 'ended'; ending: Ending };

/** The machine's decision after an attempt, by the changed terms. */
function afterAttempt(invocation: Invocation, { fact: { attempt }, result, isForced }: Attempt, at: number): Next {
  if (result.type === 'succeeded') return { type: 'ended', ending: { outcome: 'succeeded', attempts: attempt, at } };
  if (result.type === 'failed' && isForced) return { type: 'ended', ending: { ...endingOf(result), at } };
  // No policy bounds the attempts after a lost worker.
  if (result.type === 'retrying' && result.failure.kind === 'lost') {
    return { type: 'retrying', fact: { ...result, at, dueAt: at + result.dueAt - result.at } };
  }
  const next = afterFailure(invocation, { failure: result.failure, at });
  if (next.type === 'retrying') return { type: 'retrying', fact: next };
  return { type: 'ended', ending: { outcome: 'failed', condition: next.condition, attempts: attempt, at } };
}

function tooOld(invocation: Invocation, attempts: number): Ending {
  return { outcome: 'failed', condition: 'EventAgeExceeded', attempts, at: expiresAt(invocation, 0) };
}

/** The ending of an invocation that waits for an attempt that was not made. */
function endedWaiting(history: History, invocation: Invocation, attempts: number): Ending | Undecided {
  const { outcome } = stateOf(history).context;
  const endedWhileWaiting = outcome?.type === 'failed' && outcome.attempt === attempts && isForcedEnd(outcome);
  if (endedWhileWaiting && expiresAt(invocation, 0) <= outcome.at) return tooOld(invocation, attempts);
  if (endedWhileWaiting && outcome.condition !== 'EventAgeExceeded') return endingOf(outcome);
  return { attempts, why: say('attempt {attempt} was not made, or its end is not recorded', { attempt: attempts + 1 }) };
}

/** The ending without any attempt: of the policy, only the maximum age matters. */
function neverRan(history: History, request: FactOf<'queued'>, { maxAgeInMs }: Policy): Ending | Undecided {
  const { outcome } = stateOf(history).context;
  // A batch has no attempts, and its members have policies of their own. A member of a group ends as its leader does, under the policy of that.
  if (outcome !== null && (request.opens !== undefined || outcome.leader !== undefined)) return endingOf(outcome);
  if (outcome?.type !== 'failed') return { attempts: 0, why: say('no attempt is recorded yet') };
  const waited = outcome.at - firstDueAt(request);
  if (outcome.condition !== 'EventAgeExceeded') {
    if (maxAgeInMs === undefined || waited < maxAgeInMs) return endingOf(outcome);
    return { outcome: 'failed', condition: 'EventAgeExceeded', attempts: 0, at: firstDueAt(request) + maxAgeInMs };
  }
  if (maxAgeInMs === undefined || maxAgeInMs === waited) return endingOf(outcome);
  if (maxAgeInMs < waited) return { ...endingOf(outcome), at: firstDueAt(request) + maxAgeInMs };
  return { attempts: 0, why: say('it would have waited longer, and the log does not show for what') };
}

function attemptsIn(history: History): Attempt[] {
  const attempts: Attempt[] = [];
  let running: FactOf<'running'> | undefined;
  let dueAt: number | undefined;
  for (const { fact, before } of momentsOf(history)) {
    if (fact.type === 'running') running = fact;
    if (!isResult(fact) || running === undefined) continue;
    const lateInMs = dueAt === undefined ? 0 : Math.max(0, running.at - dueAt);
    // The machine would have continued, so the end does not follow from the policy.
    const isForced = fact.type === 'failed' && (isForcedEnd(fact) || canTryAgain(before.context, fact.failure));
    attempts.push({ lateInMs, tookInMs: fact.at - running.at, fact: running, result: fact, isForced });
    running = undefined;
    if (fact.type === 'retrying') dueAt = fact.dueAt;
  }
  return attempts;
}

function isResult(fact: Fact): fact is Result {
  return fact.type === 'retrying' || fact.type === 'succeeded' || fact.type === 'failed';
}

/** Whether the end does not depend on the retries of the policy. */
function isForcedEnd(outcome: Outcome): boolean {
  return outcome.type === 'failed' && outcome.condition !== 'UnhandledInvocationError' && outcome.condition !== 'SystemError';
}

function changed({ terms }: FactOf<'running'>, { maxRetries, maxAgeInMs, backoff }: Policy) {
  if (terms === undefined) return undefined;
  return {
    ...terms,
    ...(maxRetries === undefined ? {} : { maxRetries }),
    ...(maxAgeInMs === undefined ? {} : { maxAgeInMs }),
    backoff: { ...terms.backoff, ...backoff },
  };
}

function step(invocation: Invocation, fact: Fact): Invocation {
  return invocationFolder.step(invocation, fact)?.snapshot ?? invocation;
}

function endingOf(outcome: Outcome): Ending {
  const { type, attempt, at } = outcome;
  return { outcome: type, attempts: attempt, at, ...(type === 'failed' ? { condition: outcome.condition } : {}) };
}

/** Two endings that differ in their time only are the same. */
function isSame(one: Ending, other: Ending): boolean {
  return one.outcome === other.outcome && one.condition === other.condition && one.attempts === other.attempts;
}
