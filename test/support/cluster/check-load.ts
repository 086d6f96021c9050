import type { Outcome } from '#machines/facts.ts';
import type { Invocation } from '#machines/invocation.ts';
import { rateOf } from '#src/core/functions/rate.ts';
import { parseJson } from '#src/core/json/json.ts';
import { findGroupProblems } from '#test/support/log/debounced-groups.ts';
import { findAboveRate, mostAtOnce, type OrderedFact, readFacts } from '#test/support/log/flow-starts.ts';
import type { FoldedLog } from '#test/support/log/folded-log.ts';
import type { LogWatch } from '#test/support/log/log-watch.ts';
import { findPassed } from '#test/support/log/start-order.ts';
import { CLOCKS_DIFFER_BY_MS, FLOWS, REFUSED, SCHEDULES } from './load-functions.ts';
import type { VariedLoad } from './varied-load.ts';

/** Whether an invocation ended as its function says. */
export function isExpectedEnd({ context: { request, outcome } }: Invocation): boolean {
  if (outcome === null) return false;
  if (request?.function === REFUSED) return outcome.type === 'failed';
  return outcome.type === 'succeeded' || (request?.function === 'latest' && isSuperseded(outcome));
}

function isSuperseded(outcome: Outcome): boolean {
  return outcome.type === 'failed' && outcome.condition === 'InvocationCanceled' && outcome.leader !== undefined;
}

/** What the log says that the flows, the schedules, the batches and the redrives of a storm do not allow. */
export async function findLoadProblems(log: LogWatch['ports']['log'], folded: FoldedLog, varied: VariedLoad): Promise<string[]> {
  const facts = await readFacts(log);
  return [
    ...findAboveLimit(facts),
    ...findAboveRate(withoutKeys(ofFunction(facts, 'rated')), rateOf(FLOWS.rated.rate), CLOCKS_DIFFER_BY_MS),
    ...(await findPassed(log, { onRetry: 'hold', of: 'ordered' })),
    ...findGroupProblems(folded.facts),
    ...findOverlaps(facts),
    ...findBrokenBatches(folded, varied),
    ...findBrokenRedrives(folded, varied),
  ];
}

/** The facts of a function, or of one of its keys. */
function ofFunction(facts: readonly OrderedFact[], name: string, key?: string): OrderedFact[] {
  const ids = new Set<string>();
  for (const { fact, payload = '' } of facts) {
    if (fact.type !== 'queued' || fact.function !== name) continue;
    if (key === undefined || keyIn(payload) === key) ids.add(fact.invocation);
  }
  return facts.filter(({ fact }) => ids.has(fact.invocation));
}

const withoutKeys = (facts: readonly OrderedFact[]): OrderedFact[] => facts.map(({ fact, storedAt }) => ({ fact, storedAt }));
const keyIn = (payload: string): string => String((parseJson(payload) as { key?: string } | undefined)?.key);

function findAboveLimit(facts: readonly OrderedFact[]): string[] {
  const keys = [...new Set(facts.flatMap(({ payload }) => (payload === undefined ? [] : [keyIn(payload)])))];
  const pool = [...ofFunction(facts, 'pooled'), ...ofFunction(facts, 'neighbour')];
  const inPool = new Set(pool.map(({ fact }) => fact));
  const limits: [string, readonly OrderedFact[], number][] = [
    ...keys.map((key) => [`keyed, ${key}`, ofFunction(facts, 'keyed', key), FLOWS.keyed.concurrency] as [string, OrderedFact[], number]),
    ...keys.map((key) => [`ordered, ${key}`, ofFunction(facts, 'ordered', key), 1] as [string, OrderedFact[], number]),
    ['keyed', ofFunction(facts, 'keyed'), FLOWS.keyed.total],
    ['urgent', ofFunction(facts, 'urgent'), FLOWS.urgent.concurrency],
    ['pooled', ofFunction(facts, 'pooled'), FLOWS.pooled.concurrency],
    ['the pool', facts.filter(({ fact }) => inPool.has(fact)), FLOWS.neighbour.concurrency],
  ];
  return limits.flatMap(([what, some, limit]) => {
    const most = mostAtOnce(some);
    return most > limit ? [`${most} attempts of ${what} ran at one moment, and ${limit} may`] : [];
  });
}

/** A fire time requests nothing while the invocation of the one before is not over (CRON6). */
function findOverlaps(facts: readonly OrderedFact[]): string[] {
  const scheduled = new Map<string, string>();
  const open = new Map<string, Set<string>>(SCHEDULES.map((name) => [name, new Set()]));
  const problems: string[] = [];
  for (const { fact } of facts) {
    const { invocation: id } = fact;
    const name = scheduled.get(id);
    if (name !== undefined && (fact.type === 'succeeded' || fact.type === 'failed')) open.get(name)?.delete(id);
    if (fact.type !== 'queued' || fact.schedule === undefined || name !== undefined) continue;
    const others = open.get(fact.schedule.name);
    if (others === undefined) continue;
    if (others.size > 0) problems.push(`${id} was requested by the schedule "${fact.schedule.name}" while ${[...others]} ran`);
    scheduled.set(id, fact.schedule.name);
    others.add(id);
  }
  for (const name of SCHEDULES) if (![...scheduled.values()].includes(name)) problems.push(`the schedule "${name}" never fired`);
  return problems;
}

/** Each batch that was sealed is told once, with all of its members. */
function findBrokenBatches({ invocations }: FoldedLog, { batches, members }: VariedLoad): string[] {
  const told = [...invocations.values()].flatMap(({ context: { outcome } }) => {
    if (outcome?.type !== 'succeeded' || outcome.attempt !== 0 || outcome.leader !== undefined) return [];
    const counted = parseJson(outcome.payload) as { batch?: string; members?: number } | undefined;
    return counted?.batch === undefined ? [] : [`${counted.batch} ${counted.members}`];
  });
  return batches.flatMap((id) => {
    const found = told.filter((one) => one === `${id} ${members}`).length;
    return found === 1
      ? []
      : [`the batch ${id} was told ${found} times with ${members} members: ${told.filter((one) => one.startsWith(`${id} `))}`];
  });
}

/** Each redrive that was acknowledged is in the log, and its origin names it. */
function findBrokenRedrives({ invocations }: FoldedLog, { redrives }: VariedLoad): string[] {
  return redrives.flatMap(({ origin, redrive }) => [
    ...(invocations.has(redrive) ? [] : [`the redrive ${redrive} of ${origin} is not in the log`]),
    ...(invocations.get(origin)?.context.redrives.includes(redrive) ? [] : [`${origin} does not name its redrive ${redrive}`]),
  ]);
}
