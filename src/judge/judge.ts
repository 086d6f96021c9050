import { judgeConditions, judgeTries } from './deliveries.ts';
import type { ClientOp, Evidence } from './evidence.ts';
import { judgeExecutions, judgeOrder, judgeRates } from './executions.ts';
import { judgeBatches, judgeClosings, judgeFollowers, judgeGroups, judgeSchedules } from './groups.ts';
import { judgeRunning } from './limits.ts';
import { groupBy, isOutcome, type Life, type Placed, type Request, readLives, requestsIn, type Say } from './read-lives.ts';
import { judgeResults } from './results.ts';

/*
 * Decides from outside whether Sequent kept its promises: from the raw messages of its streams, from what its clients sent and saw, and from
 * what the functions themselves wrote down.
 *
 * The files of this folder import nothing of the product: no machine, no fold, no decoder. They read the wire format as `docs/history.md` and
 * the rules of `src/DESIGN.md` describe it. A defect of the product's fold therefore hides nothing from the judge.
 */

/** Returns what did not hold, each with the id of its rule. Empty when everything held. */
export function judge(evidence: Evidence): string[] {
  const problems: string[] = [];
  const say: Say = (rule, what) => void problems.push(`${rule}: ${what}`);
  const requests = evidence.log.flatMap(requestsIn);
  const lives = readLives(evidence, requests, say);
  const byId = groupBy(lives, ({ request }) => request.id);
  for (const life of lives) judgeLife(life, evidence.isOver ?? false, say);
  judgeClients(evidence, byId, say);
  judgeSenders(evidence.client, requests, say);
  judgeResults(evidence, lives, say);
  if (evidence.executions !== undefined) judgeExecutions({ ...evidence, executions: evidence.executions }, byId, say);
  if (evidence.tries !== undefined) judgeTries(evidence.tries, byId, say);
  judgeConditions(lives, say);
  judgeFollowers(evidence, lives, requests, say);
  judgeSchedules(evidence, lives, say);
  judgeBatches(lives, say);
  judgeGroups(lives, byId, say);
  if (evidence.isLossy !== true) judgeRunning(lives, evidence.expected ?? {}, say);
  for (const [fn, expected] of Object.entries(evidence.expected ?? {})) {
    const own = lives.filter(({ request }) => request.fn === fn);
    judgeOrder(own, expected, say);
    judgeRates(own, expected, say);
    if (evidence.isLossy) continue;
    judgeClosings(own, expected, requests, say);
  }
  return problems;
}

/** The requests in a log that are not settled: their deliveries, their outcomes, or all of it is missing. */
export function openIn(log: Evidence['log']): string[] {
  const requests = log.flatMap(requestsIn);
  const lives = readLives({ log, client: [] }, requests, () => {});
  return lives.filter(({ facts }) => !facts.some(({ type }) => type === 'notified')).map(({ request }) => request.id);
}

type Destination = { id: string };

/** One life: attempts without gap or repeat, one outcome, then the deliveries, then one `notified`. */
function judgeLife({ request: { id }, facts }: Life, isOver: boolean, say: Say): void {
  for (const [what, found] of Object.entries({
    outcome: facts.filter(isOutcome),
    notified: facts.filter(({ type }) => type === 'notified'),
  })) {
    if (found.length > 1) say('E4', `${id} has ${found.length} times ${what}`);
    if (isOver && found.length === 0) say('E4', `${id} has no ${what}`);
  }
  judgeAttempts(id, facts, say);
  const end = facts.findIndex(isOutcome);
  const before = end < 0 ? facts : facts.slice(0, end);
  for (const { type } of before.filter(isAfterOutcome)) say('E4', `${id} has ${type} before its outcome`);
  if (end < 0) return;
  const after = facts.slice(end + 1);
  // A completed batch records its cancellation.
  for (const { type } of after.filter((fact) => !isAfterOutcome(fact) && fact.type !== 'batch.sealed'))
    say('E4', `${id} has ${type} after its outcome`);
  for (const destination of (facts[end]?.destinations as Destination[] | undefined) ?? []) judgeDelivery(id, destination.id, after, say);
}

const isAfterOutcome = ({ type }: Placed): boolean => /^(?:delivery\..*|notified|redriven)$/.test(type);

function judgeDelivery(id: string, destination: string, after: readonly Placed[], say: Say): void {
  const isEnd = (fact: Placed): boolean => fact.destination === destination && /^delivery\.(?:delivered|dead)$/.test(fact.type);
  const notified = after.findIndex(({ type }) => type === 'notified');
  if (notified >= 0 && !after.slice(0, notified).some(isEnd))
    say('D1', `${id} was notified before its delivery to ${destination} was settled`);
  const delivered = after.filter((fact) => isEnd(fact) && fact.type === 'delivery.delivered').length;
  if (delivered > 1) say('D1', `${id} was delivered ${delivered} times to ${destination}`);
}

type Running = { started: number; isRunning: boolean; dueAt: number; granted: number };

function judgeAttempts(id: string, facts: readonly Placed[], say: Say): void {
  const state: Running = { started: 0, isRunning: false, dueAt: 0, granted: 1 };
  for (const fact of facts) {
    if (fact.type === 'running') judgeStart(id, fact, state, say);
    else if (fact.type === 'retrying') judgeRetry(id, fact, state, say);
    else if (isOutcome(fact) && fact.attempt !== state.started)
      say('E5', `the outcome of ${id} is of attempt ${fact.attempt}, and ${state.started} ran`);
  }
  if (state.started > state.granted) say('E5', `${id} had ${state.started} attempts, and its policy grants ${state.granted}`);
}

function judgeRetry(id: string, { attempt, dueAt, failure }: Placed, state: Running, say: Say): void {
  if (!state.isRunning || attempt !== state.started) say('E5', `attempt ${attempt} of ${id} failed, and ${state.started} ran`);
  // Lost attempts, and those that the platform could not make, consume no retry.
  if ((failure as { kind: string }).kind !== 'function') state.granted++;
  state.dueAt = dueAt as number;
  state.isRunning = false;
}

function judgeStart(id: string, { attempt = 0, at, terms }: Placed, state: Running, say: Say): void {
  if (state.isRunning || attempt !== state.started + 1) say('E5', `attempt ${attempt} of ${id} started after attempt ${state.started}`);
  if (at < state.dueAt) say('T1', `attempt ${attempt} of ${id} started ${state.dueAt - at} ms before it was due`);
  if (state.started === 0) state.granted += (terms as { maxRetries: number } | undefined)?.maxRetries ?? 0;
  state.started = attempt;
  state.isRunning = true;
}

/** Accepted means: in the log. Refused means: not in the log. What a client saw is what the log holds. */
function judgeClients({ client, isLossy = false }: Evidence, byId: ReadonlyMap<string, Life[]>, say: Say): void {
  for (const op of client) {
    for (const id of op.value.ids ?? []) {
      const found = byId.get(id)?.find(({ request }) => request.fn === op.value.function);
      if (op.f === 'submit') judgeSubmit(id, op, { found, isLossy }, say);
      else if (op.type === 'ok') judgeSeen(id, op.value, found, say);
    }
  }
}

function judgeSubmit(
  id: string,
  { type, value }: ClientOp,
  { found, isLossy }: { found: Life | undefined; isLossy: boolean },
  say: Say,
): void {
  if (type === 'ok' && found === undefined && !isLossy) say('E4', `${id} was acknowledged, and the log does not hold it`);
  if (type === 'fail' && found !== undefined) say('A1', `${id} was refused, and the log holds it`);
  const first = found?.facts.find((fact) => fact.type === 'running');
  const early = (value.notBefore ?? 0) - (first?.at ?? Number.POSITIVE_INFINITY);
  if (early > 0) say('T1', `${id} started ${early} ms before the time that its client asked for`);
}

function judgeSeen(id: string, { outcome, payload }: ClientOp['value'], found: Life | undefined, say: Say): void {
  const logged = found?.facts.find(isOutcome);
  if (logged?.type === outcome && (payload === undefined || payload === logged?.payload)) return;
  say('E4', `a client saw ${id} as ${outcome} ${payload ?? ''}, and the log holds ${logged?.type} ${String(logged?.payload ?? '')}`);
}

/** Nothing is in the log that no client sent. An operation of unknown ids may have sent anything. */
function judgeSenders(client: readonly ClientOp[], requests: readonly Request[], say: Say): void {
  const isUnknown = ({ f, type, value }: ClientOp): boolean => f === 'submit' && type === 'info' && value.ids === undefined;
  if (client.length === 0 || client.some(isUnknown)) return;
  const sent = new Set(client.flatMap(({ value }) => value.ids ?? []));
  for (const { id, isOfClient } of requests) if (isOfClient && !sent.has(id)) say('E4', `no client sent ${id}, which is in the log`);
}
