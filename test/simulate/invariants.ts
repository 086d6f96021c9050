import type { Outcome } from '#machines/facts.ts';
import { createVerifier } from '#src/analysis/verify.ts';
import type { FullLogEntry } from '#src/core/log/event-log.ts';
import type { Ledger } from './ledger.ts';
import type { Life } from './life.ts';
import { isCalm, type Plan } from './plan.ts';
import { judgeReadModel } from './read-model.ts';
import type { Servers } from './servers.ts';

type Ended = { plan: Plan; ledger: Ledger; servers: Servers; hasEnded: boolean };

/** Judges a world that came to rest, or that did not. */
export function findProblems({ plan, ledger, servers, hasEnded }: Ended): void {
  const problem = (text: string): void => ledger.problem(text);
  if (!hasEnded) {
    for (const { id, attempts } of [...ledger.open].slice(0, 5)) problem(`E4: ${id} does not end after ${attempts.size} attempts`);
    for (const item of servers.queue.openItems(() => true).slice(0, 5)) problem(`ITEM2: item ${item} is never acknowledged`);
    if (ledger.problems.length === 0) problem('E4: the world does not come to rest');
    return;
  }
  const { entries } = servers;
  verify(entries, problem);
  for (const id of ledger.accepted) if (!ledger.lives.has(id)) problem(`SRC1: ${id} was acknowledged, and is not in the log`);
  for (const life of ledger.lives.values()) judgeLife(life, problem);
  judgeChildren(entries, ledger, problem);
  judgeReadModel(entries, ledger, problem);
  if (isCalm(plan)) judgeCalm(ledger, problem);
}

function verify(entries: readonly FullLogEntry[], problem: (text: string) => void): void {
  const verifier = createVerifier();
  for (const entry of entries) verifier.read(entry);
  for (const { kind, sequence, invocation, what } of verifier.finish().findings)
    problem(`${kind} at ${sequence}: ${invocation ?? ''} ${what}`);
}

function judgeLife(life: Life, problem: (text: string) => void): void {
  const { id, attempts, retries, outcomes, notified, executions, published } = life;
  const [outcome] = outcomes;
  if (outcomes.length !== 1 || outcome === undefined) return problem(`E4: ${id} has ${outcomes.length} outcomes`);
  if (notified !== 1) problem(`E4: ${id} was notified ${notified} times`);
  if (attempts.size !== outcome.attempt)
    problem(`E5: the outcome of ${id} is of attempt ${outcome.attempt}, and ${attempts.size} were made`);
  if (retries.length < attempts.size - 1) problem(`E5: ${id} has ${attempts.size} attempts, and only ${retries.length} retries`);
  if (outcome.type === 'succeeded') {
    const result = executions.get(outcome.attempt)?.result;
    if (result?.kind !== 'returned' || result.payload !== outcome.payload) {
      problem(`EXEC2: the outcome of ${id} is ${outcome.payload}, and attempt ${outcome.attempt} returned ${JSON.stringify(result)}`);
    }
  }
  if (published.length === 0) problem(`EXEC4: the result of ${id} was never published`);
  for (const one of published)
    if (one.outcome !== outcome.type) problem(`E4: the result ${one.outcome} of ${id} was published, and it ${outcome.type}`);
  judgeDeliveries(life, problem);
}

function judgeDeliveries({ id, deliveries }: Life, problem: (text: string) => void): void {
  for (const [destination, { end, made, started }] of deliveries) {
    if (end === undefined) problem(`D1: the delivery of ${id} to ${destination} did not end`);
    const arrived = [...made.values()].some((result) => result?.kind === 'delivered');
    if (end === 'delivered' && !arrived) problem(`D1: the delivery of ${id} to ${destination} is recorded, and no try arrived`);
    for (const number of made.keys()) if (!started.has(number)) problem(`E1: try ${number} of ${id} to ${destination} is not in the log`);
  }
}

/**
 * Each delivery to a function starts one invocation, however often it is tried (D1), also when several functions have invocations with one
 * id. The children of one request id are counted together, because the check must not derive ids as the roles do.
 */
function judgeChildren(entries: readonly FullLogEntry[], ledger: Ledger, problem: (text: string) => void): void {
  const children = new Map<string, Set<string>>();
  const accepted = entries.flatMap((entry) => (entry.kind === 'request' ? entry.message.requests : []));
  for (const { fact } of accepted) {
    if (fact.lineage === undefined) continue;
    const { parent } = fact.lineage;
    children.set(parent, (children.get(parent) ?? new Set()).add(`${fact.function}/${fact.invocation}`));
  }
  const expected = new Map<string, { delivered: number; all: number }>();
  for (const { id, outcomes, deliveries } of ledger.lives.values()) {
    const toFunctions = (outcomes[0]?.destinations ?? []).filter(({ destination }) => destination === 'FunctionGraph');
    const { delivered, all } = expected.get(id) ?? { delivered: 0, all: 0 };
    const reached = toFunctions.filter((one) => deliveries.get(one.id)?.end === 'delivered').length;
    expected.set(id, { delivered: delivered + reached, all: all + toFunctions.length });
  }
  for (const [id, { delivered, all }] of expected) {
    const started = children.get(id)?.size ?? 0;
    if (started < delivered || started > all)
      problem(`D1: ${delivered} of ${all} deliveries of ${id} reached functions, and ${started} invocations followed`);
  }
}

/** Without faults everything happens once. */
function judgeCalm({ lives, redeliveries }: Ledger, problem: (text: string) => void): void {
  for (const one of redeliveries) problem(`ITEM2: without a fault ${one} was a redelivery`);
  for (const { id, published, retries, deliveries, outcomes } of lives.values()) {
    if (published.length > 1 && !isCanceled(outcomes[0]))
      problem(`EXEC4: without a fault the result of ${id} was published by ${published.map(({ by }) => by).join(' and ')}`);
    if (retries.some(({ failure }) => failure.kind === 'lost')) problem(`EXEC3: without a fault an attempt of ${id} was lost`);
    for (const [destination, { failed }] of deliveries) {
      if (failed.some(({ reason }) => reason.includes('vanished'))) problem(`D1: without a fault a try of ${id} to ${destination} was cut`);
    }
  }
}

/** Two workers may hear of one cancellation, and publish its result at the same moment. */
function isCanceled(outcome: Outcome | undefined): boolean {
  return outcome?.type === 'failed' && outcome.condition === 'InvocationCanceled';
}
