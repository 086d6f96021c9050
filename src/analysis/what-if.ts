import type { Backoff, Condition, Fact, FactOf, Outcome } from '#machines/facts.ts';
import { type Invocation, invocationFolder } from '#machines/invocation.ts';
import { expiresAt } from '#machines/outcome.ts';
import { afterFailure, canTryAgain } from '#machines/retry.ts';
import { type History, momentsOf, requestIn, stateOf } from './history.ts';

/** What of the policy is to be different. */
export type Policy = { maxRetries?: number; maxAgeInMs?: number; backoff?: Partial<Backoff> };

/** How an invocation ended, or would have. */
type Ending = { outcome: Outcome['type']; condition?: Condition; attempts: number; at: number };

/**
 * What would have become of one invocation. `undecided`: it would have made an attempt that nobody made, or waited when
 * nobody waited; nothing is invented about that.
 */
export type Supposition = { requestId: string; function: string; recorded: Ending | undefined } & (
  | { kind: 'same' | 'different'; supposed: Ending }
  | { kind: 'undecided'; attempts: number; why: string }
);

type Report = FactOf<'retrying'> | Outcome;
/** One attempt as it was recorded: how long after it was due it began, how long it took, and how it ended. */
type Attempt = { lateInMs: number; tookInMs: number; fact: FactOf<'running'>; report: Report; isDecreed: boolean };

/**
 * Folds a recorded history again under another policy, with the same machine and the same decisions.
 *
 * It supposes that an attempt ends as it did, also at another moment; and never how an attempt ends that was not made.
 */
export function whatIf(history: History, policy: Policy): Supposition {
  const state = stateOf(history);
  const { outcome } = state.context;
  const recorded = outcome === null ? undefined : endingOf(outcome);
  const who = { requestId: history.requestId, function: history.function, recorded };
  const request = requestIn(history);
  if (request === undefined) return { ...who, kind: 'undecided', attempts: 0, why: 'its acceptance is not in the log' };
  const supposed = suppose(history, request, policy);
  if ('why' in supposed) return { ...who, kind: 'undecided', ...supposed };
  return { ...who, kind: recorded !== undefined && isSame(recorded, supposed) ? 'same' : 'different', supposed };
}

type Undecided = { attempts: number; why: string };

function suppose(history: History, request: FactOf<'queued'>, policy: Policy): Ending | Undecided {
  const attempts = attemptsIn(history);
  let life = step(invocationFolder.initial, request);
  const first = history.transitions.find(({ fact }) => fact.type === 'running')?.fact as FactOf<'running'> | undefined;
  if (first === undefined) return neverRan(history, request, policy);
  let at = first.at;
  for (const attempt of attempts) {
    const number = attempt.fact.attempt;
    life = step(life, { ...attempt.fact, at, ...(number === 1 ? { terms: changed(attempt.fact, policy) } : {}) });
    // A worker looks at the age before it begins.
    if (at >= expiresAt(life, 0)) return tooOld(life, number - 1);
    const next = follow(life, attempt, at + attempt.tookInMs);
    if (next.type !== 'retrying') return next.ending;
    const following = attempts[number];
    if (next.fact.dueAt >= expiresAt(life, 0)) return tooOld(life, number);
    life = step(life, next.fact);
    if (following === undefined) return endedWaiting(history, life, number);
    at = next.fact.dueAt + following.lateInMs;
  }
  return { attempts: attempts.length, why: 'the end of its attempt is not recorded' };
}

type Next = { type: 'retrying'; fact: FactOf<'retrying'> } | { type: 'ended'; ending: Ending };

/** What the machine makes of the end of an attempt, by the changed terms. */
function follow(life: Invocation, { fact: { attempt }, report, isDecreed }: Attempt, at: number): Next {
  if (report.type === 'succeeded') return { type: 'ended', ending: { outcome: 'succeeded', attempts: attempt, at } };
  if (report.type === 'failed' && isDecreed) return { type: 'ended', ending: { ...endingOf(report), at } };
  // No policy bounds the attempts after a lost worker, and version 0.1 granted one more of them than this version.
  if (report.type === 'retrying' && report.failure.kind === 'lost') {
    return { type: 'retrying', fact: { ...report, at, dueAt: at + report.dueAt - report.at } };
  }
  const next = afterFailure(life, { failure: report.failure, at });
  if (next.type === 'retrying') return { type: 'retrying', fact: next };
  return { type: 'ended', ending: { outcome: 'failed', condition: next.condition, attempts: attempt, at } };
}

function tooOld(life: Invocation, attempts: number): Ending {
  return { outcome: 'failed', condition: 'EventAgeExceeded', attempts, at: expiresAt(life, 0) };
}

/** It waited for an attempt that nobody made: until somebody ended it, or until now. */
function endedWaiting(history: History, life: Invocation, attempts: number): Ending | Undecided {
  const { outcome } = stateOf(history).context;
  const isEndedSo = outcome?.type === 'failed' && outcome.attempt === attempts && wasDecreed(outcome);
  if (isEndedSo && expiresAt(life, 0) <= outcome.at) return tooOld(life, attempts);
  if (isEndedSo && outcome.condition !== 'EventAgeExceeded') return endingOf(outcome);
  return { attempts, why: `attempt ${attempts + 1} was not made, or its end is not recorded` };
}

/** Failed or still waiting without any attempt: only the age can change that. */
function neverRan(history: History, request: FactOf<'queued'>, { maxAgeInMs }: Policy): Ending | Undecided {
  const { outcome } = stateOf(history).context;
  if (outcome?.type !== 'failed') return { attempts: 0, why: 'no attempt is recorded yet' };
  const waited = outcome.at - request.at;
  if (outcome.condition !== 'EventAgeExceeded') {
    if (maxAgeInMs === undefined || waited < maxAgeInMs) return endingOf(outcome);
    return { outcome: 'failed', condition: 'EventAgeExceeded', attempts: 0, at: request.at + maxAgeInMs };
  }
  if (maxAgeInMs === undefined || maxAgeInMs === waited) return endingOf(outcome);
  if (maxAgeInMs < waited) return { ...endingOf(outcome), at: request.at + maxAgeInMs };
  return { attempts: 0, why: 'it would have waited longer, and nobody knows for what' };
}

function attemptsIn(history: History): Attempt[] {
  const attempts: Attempt[] = [];
  let running: FactOf<'running'> | undefined;
  let dueAt: number | undefined;
  for (const { fact, before } of momentsOf(history)) {
    if (fact.type === 'running') running = fact;
    if (!isReport(fact) || running === undefined) continue;
    const lateInMs = dueAt === undefined ? 0 : Math.max(0, running.at - dueAt);
    // Somebody ended it though the machine would have gone on: that is no matter of the policy.
    const isDecreed = fact.type === 'failed' && (wasDecreed(fact) || canTryAgain(before.context, fact.failure));
    attempts.push({ lateInMs, tookInMs: fact.at - running.at, fact: running, report: fact, isDecreed });
    running = undefined;
    if (fact.type === 'retrying') dueAt = fact.dueAt;
  }
  return attempts;
}

function isReport(fact: Fact): fact is Report {
  return fact.type === 'retrying' || fact.type === 'succeeded' || fact.type === 'failed';
}

/** Ended by somebody, whatever the policy says. */
function wasDecreed(report: Outcome): boolean {
  return report.type === 'failed' && report.condition !== 'UnhandledInvocationError' && report.condition !== 'SystemError';
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

function step(life: Invocation, fact: Fact): Invocation {
  return invocationFolder.step(life, fact)?.snapshot ?? life;
}

function endingOf(outcome: Outcome): Ending {
  const { type, attempt, at } = outcome;
  return { outcome: type, attempts: attempt, at, ...(type === 'failed' ? { condition: outcome.condition } : {}) };
}

/** A shift of the clock alone is no other ending. */
function isSame(one: Ending, other: Ending): boolean {
  return one.outcome === other.outcome && one.condition === other.condition && one.attempts === other.attempts;
}
