import type { Outcome } from '#machines/facts.ts';
import type { FindingKind } from '#src/analysis/verify/findings.ts';
import { Verifier } from '#src/analysis/verify/verify.ts';
import type { FullLogEntry } from '#src/core/log/event-log.ts';
import { judgeTurns } from '#test/simulate/load/turns.ts';
import { isCalm, type Plan } from '#test/simulate/plan.ts';
import type { ProjectionHome } from '#test/simulate/projection.ts';
import type { Servers } from '#test/simulate/world/servers.ts';
import type { Ledger } from './ledger.ts';
import type { Life } from './life.ts';
import { judgeRate } from './liveness.ts';
import { judgeLosses } from './losses.ts';
import { judgeReadModel } from './read-model.ts';

type Ended = { plan: Plan; ledger: Ledger; servers: Servers; projection: ProjectionHome | undefined; hasEnded: boolean };

/** What a world broke that failed, that came to rest, or that did not. */
export async function judgeEnded(ended: Ended): Promise<readonly string[]> {
  if (ended.ledger.problems.length === 0) await findProblems(ended);
  return ended.ledger.problems;
}

async function findProblems({ plan, ledger, servers, projection, hasEnded }: Ended): Promise<void> {
  const problem = (text: string): void => ledger.problem(text);
  if (!hasEnded) return judgeUnended(plan, ledger, servers);
  const { entries } = servers;
  const hasCuts = ledger.cuts.length > 0;
  verify(entries, problem, hasCuts ? findingsAfterCuts : new Set());
  if (!hasCuts) judgeAccepted(ledger);
  for (const life of ledger.lives.values()) judgeLife(life, problem);
  judgeChildren(entries, ledger, problem);
  judgeReadModel(entries, ledger, problem);
  await projection?.judge(servers);
  await judgeLosses(servers);
  judgeTurns(plan, ledger);
  if (plan.crowd !== undefined) return;
  judgeRate(plan, ledger);
  if (isCalm(plan) && plan.turns === undefined) judgeCalm(ledger, { hasFlows: plan.hasFlows ?? false }, problem);
}

function judgeUnended({ crowd }: Plan, ledger: Ledger, { queue }: Servers): void {
  if (crowd !== undefined)
    ledger.problem(
      `E4: ${ledger.open.size} of ${ledger.lives.size} invocations do not end in three times the time that their limits allow`,
    );
  for (const { id, attempts } of [...ledger.open].slice(0, 5)) ledger.problem(`E4: ${id} does not end after ${attempts.size} attempts`);
  for (const item of queue.openItems(() => true).slice(0, 5)) ledger.problem(`ITEM2: item ${item} is never acknowledged`);
  if (ledger.problems.length === 0) ledger.problem('E4: the world does not come to rest');
}

function judgeAccepted(ledger: Ledger): void {
  for (const id of ledger.accepted.keys()) if (!ledger.lives.has(id)) ledger.problem(`SRC1: ${id} was acknowledged, and is not in the log`);
}

/** Appends of processes that did not know that the log had lost what they follow. They do not count (LINK2, LINK5). */
const findingsAfterCuts: ReadonlySet<FindingKind> = new Set(['wrong-link', 'unknown-request']);

function verify(entries: readonly FullLogEntry[], problem: (text: string) => void, expected: ReadonlySet<FindingKind>): void {
  const verifier = new Verifier();
  for (const entry of entries) verifier.read(entry);
  for (const { kind, sequence, invocation, what } of verifier.finish().findings)
    if (!expected.has(kind)) problem(`${kind} at ${sequence}: ${invocation ?? ''} ${what}`);
}

function judgeLife(life: Life, problem: (text: string) => void): void {
  const { id, attempts, retries, outcomes, notified, executions, published, isCut, opens } = life;
  const [outcome] = outcomes;
  if (outcomes.length !== 1 || outcome === undefined) return problem(`E4: ${id} has ${outcomes.length} outcomes`);
  if (notified !== 1) problem(`E4: ${id} was notified ${notified} times`);
  if (attempts.size !== outcome.attempt)
    problem(`E5: the outcome of ${id} is of attempt ${outcome.attempt}, and ${attempts.size} were made`);
  if (retries.length < attempts.size - 1) problem(`E5: ${id} has ${attempts.size} attempts, and only ${retries.length} retries`);
  // Nothing executes a batch, and its outcome is no result of its function.
  if (opens !== undefined) return judgeDeliveries(life, problem);
  // After a power cut, the result may be of an attempt whose facts are lost.
  // The outcome of a member is that of its leader.
  if (outcome.type === 'succeeded' && !isCut && outcome.leader === undefined) {
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

function judgeDeliveries({ id, deliveries, isCut }: Life, problem: (text: string) => void): void {
  for (const [destination, { end, made, started }] of deliveries) {
    if (end === undefined) problem(`D1: the delivery of ${id} to ${destination} did not end`);
    const arrived = [...made.values()].some((result) => result?.kind === 'delivered');
    if (end === 'delivered' && !arrived && !isCut) problem(`D1: the delivery of ${id} to ${destination} is recorded, and no try arrived`);
    for (const number of made.keys()) if (!started.has(number)) problem(`E1: try ${number} of ${id} to ${destination} is not in the log`);
  }
}

/**
 * Each delivery to a function starts one invocation, however often it is tried (D1), also when several functions have invocations with one
 * id. The children of one request id are counted together, because the check must not derive ids as the roles do.
 */
function judgeChildren(entries: readonly FullLogEntry[], ledger: Ledger, problem: (text: string) => void): void {
  const children = new Map<string, Set<string>>();
  const cutParents = findCutParents(ledger);
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
    if (cutParents.has(id)) continue;
    const started = children.get(id)?.size ?? 0;
    if (started < delivered || started > all)
      problem(`D1: ${delivered} of ${all} deliveries of ${id} reached functions, and ${started} invocations followed`);
  }
}

/** The invocations of which the log lost a child, or the facts that started one. */
function findCutParents({ lives, lostLives }: Ledger): ReadonlySet<string> {
  const parents = new Set<string>();
  for (const { parent } of lostLives) if (parent !== undefined) parents.add(parent);
  for (const { id, isCut } of lives.values()) if (isCut) parents.add(id);
  return parents;
}

/** A worker hears of a due attempt within this time. */
const WOKEN_WITHIN_MS = 1_000;

/** Without faults everything happens once, and when it is due. */
function judgeCalm(ledger: Ledger, { hasFlows }: { hasFlows: boolean }, problem: (text: string) => void): void {
  // What waits in a worker for a slot of all workers may wait longer than the scheduler is patient, which then wakes another worker. Both
  // may start the attempt, and one of them learns that the other one did.
  if (!hasFlows) for (const one of ledger.redeliveries) problem(`ITEM2: without a fault ${one} was a redelivery`);
  for (const life of ledger.lives.values()) {
    const { id, published, retries, deliveries, outcomes } = life;
    if (!hasFlows && published.length > 1 && !isCanceled(outcomes[0]))
      problem(`EXEC4: without a fault the result of ${id} was published by ${published.map(({ by }) => by).join(' and ')}`);
    if (retries.some(({ failure }) => failure.kind === 'lost')) problem(`EXEC3: without a fault an attempt of ${id} was lost`);
    judgeWakes(life, ledger);
    for (const [destination, { failed }] of deliveries) {
      if (failed.some(({ reason }) => reason.includes('vanished'))) problem(`D1: without a fault a try of ${id} to ${destination} was cut`);
    }
  }
}

function judgeWakes({ id, name, dueAt: firstDueAt, retries, attempts, outcomes, deferredAt }: Life, ledger: Ledger): void {
  // A delayed request that is still in its queue when it is due needs no wake.
  const isWoken = firstDueAt > 0 && ledger.wakes.offeredAt(name) < firstDueAt;
  const waits = [...(isWoken ? [{ attempt: 0, dueAt: firstDueAt }] : []), ...retries];
  for (const { attempt, dueAt } of waits) {
    // A cancellation may come before the retry.
    if (outcomes.some(({ at }) => at < dueAt + WOKEN_WITHIN_MS)) continue;
    const seen = [...ledger.wakes.of(name), ...deferredAt, attempts.get(attempt + 1)?.at ?? Number.NaN];
    if (!seen.some((at) => Math.abs(at - dueAt) < WOKEN_WITHIN_MS))
      ledger.problem(`T1: without a fault nobody was woken for attempt ${attempt + 1} of ${id}, due at ${dueAt}`);
  }
}

/** Two workers may hear of one cancellation, and publish its result at the same moment. */
function isCanceled(outcome: Outcome | undefined): boolean {
  return outcome?.type === 'failed' && outcome.condition === 'InvocationCanceled';
}
