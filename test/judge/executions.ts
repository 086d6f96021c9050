import type { Evidence, Execution, Expected } from './evidence.ts';
import { groupBy, isOutcome, keyIn, type Life, type Placed, placeOf, type Say } from './read-lives.ts';

/* What the functions themselves wrote down, and when their attempts started: at once, in order, at their rate. */

type Judged = Evidence & { executions: readonly Execution[] };
type Line = Extract<Execution, { id: string }>;

/** What the functions wrote down is what the log says, and keeps the limits and the order (E1, EXEC3, SLOT2, SLOT7). */
export function judgeExecutions({ expected = {}, executions, isLossy = false }: Judged, byId: ReadonlyMap<string, Life[]>, say: Say): void {
  const seen = new Set<string>();
  const running = new Map<string, { worker: string; group: string }>();
  const places = new Map<string, number>();
  const atOnce = new Map<string, number>();
  const end = (name: string): void => {
    const group = running.get(name)?.group;
    if (group !== undefined) atOnce.set(group, (atOnce.get(group) ?? 0) - 1);
    running.delete(name);
  };
  const judgeStart = (line: Line, name: string): void => {
    const found = startOf(byId.get(line.id) ?? [], line.attempt);
    if (found === undefined) {
      if (!isLossy) say('E1', `attempt ${name} was executed, and the log does not hold its start`);
      return;
    }
    const { life, start } = found;
    if (seen.has(name)) say('EXEC3', `attempt ${name} was executed twice`);
    seen.add(name);
    const rules = expected[life.request.fn] ?? {};
    const group = `${life.request.fn} ${keyIn(life.request, rules)}`;
    end(name);
    running.set(name, { worker: String(start.worker), group });
    atOnce.set(group, (atOnce.get(group) ?? 0) + 1);
    judgeLimit(atOnce.get(group) ?? 0, group, rules, say);
    const place = placeOf(life.request);
    const last = places.get(group) ?? 0;
    if (rules.isFifo === true && line.attempt === 1 && place < last) say('SLOT7', `${name} was executed after a later request of ${group}`);
    places.set(group, Math.max(place, last));
  };
  for (const line of executions) {
    if (line.kind === 'killed') {
      for (const [name, { worker }] of running) if (worker.includes(`-${line.pid}-`)) end(name);
    } else if (line.kind === 'end') end(`${line.id} ${line.attempt}`);
    else judgeStart(line, `${line.id} ${line.attempt}`);
  }
  judgeExecuted([...byId.values()].flat(), { expected, seen }, say);
}

function judgeLimit(atOnce: number, group: string, { limit = Number.POSITIVE_INFINITY }: Expected, say: Say): void {
  if (atOnce > limit) say('SLOT2', `${atOnce} executions of ${group} ran at once, and the limit is ${limit}`);
}

/** A function of which the test expects something writes down each of its executions. */
function judgeExecuted(
  lives: readonly Life[],
  { expected, seen }: { expected: Readonly<Record<string, Expected>>; seen: ReadonlySet<string> },
  say: Say,
): void {
  for (const { request, facts } of lives) {
    const outcome = facts.find(isOutcome);
    if (outcome?.type !== 'succeeded' || outcome.attempt === 0 || expected[request.fn] === undefined) continue;
    if (!seen.has(`${request.id} ${outcome.attempt}`)) say('E1', `${request.id} succeeded, and nothing executed it`);
  }
}

function startOf(lives: readonly Life[], attempt: number): { life: Life; start: Placed } | undefined {
  for (const life of lives) {
    const start = life.facts.find((fact) => fact.type === 'running' && fact.attempt === attempt);
    if (start !== undefined) return { life, start };
  }
  return undefined;
}

/** The facts of all requests of one key, in the order of the log. */
function* factsByKey(lives: readonly Life[], expected: Expected): Generator<{ life: Life; fact: Placed }[]> {
  for (const ofKey of groupBy(lives, ({ request }) => keyIn(request, expected)).values()) {
    const facts = ofKey.flatMap((life) => life.facts.map((fact) => ({ life, fact })));
    yield facts.sort((one, other) => one.fact.sequence - other.fact.sequence);
  }
}

/** No attempt starts before the earlier requests of its key are over (SLOT7). */
export function judgeOrder(lives: readonly Life[], expected: Expected, say: Say): void {
  if (expected.isFifo !== true) return;
  for (const facts of factsByKey(lives, expected)) {
    const open = new Map(facts.map(({ life }) => [life.request.id, placeOf(life.request)]));
    for (const { life, fact } of facts) {
      if (isOutcome(fact)) open.delete(life.request.id);
      if (fact.type !== 'running') continue;
      const place = placeOf(life.request);
      if ([...open.values()].some((other) => other < place))
        say('SLOT7', `${life.request.id} started before an earlier request of its key`);
    }
  }
}

/** Each start raises a level, which falls at the rate: the level stays below the burst (RATE1). */
export function judgeRates(lives: readonly Life[], expected: Expected, say: Say): void {
  const { rate } = expected;
  if (rate === undefined) return;
  const interval = rate.perInMs / rate.limit;
  for (const facts of factsByKey(lives, expected)) {
    let level = 0;
    let last = 0;
    // The workers' clocks differ a little, so the order of the log is not that of the times.
    const starts = facts.filter(({ fact }) => fact.type === 'running').sort((one, other) => one.fact.at - other.fact.at);
    for (const { life, fact } of starts) {
      level = Math.max(0, level - (fact.at - last) / interval) + 1;
      last = fact.at;
      if (level > rate.burst + rate.toleranceInMs / interval) say('RATE1', `${life.request.id} started before its rate allowed it`);
    }
  }
}
