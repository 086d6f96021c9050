import type { Evidence, Execution, Expected } from './evidence.ts';
import { type Limit, limitsIn, Running } from './limits.ts';
import { dueAtOf, groupBy, isOutcome, keyIn, type Life, type Placed, placeOf, type Request, type Say } from './read-lives.ts';

/* What the functions themselves wrote down, and when their attempts started: not too early, at once, in order, at their rate. */

/** The clocks of machines may differ by this. */
const CLOCKS_DIFFER_BY_MS = 1_000;

type Judged = Evidence & { executions: readonly Execution[] };
type Line = Extract<Execution, { id: string }>;

/** What the functions wrote down is what the log says, and keeps the times, the limits and the order (E1, EXEC3, T1, SLOT2, SLOT7). */
export function judgeExecutions({ expected = {}, executions, isLossy = false }: Judged, byId: ReadonlyMap<string, Life[]>, say: Say): void {
  const seen = new Set<string>();
  const returned = new Map<string, Set<string>>();
  const running = new RunningOfWorkers();
  const places = new Map<string, number>();
  const limitsOf = limitsIn(expected);
  const judgeStart = (line: Line, name: string, { life, start }: Started): void => {
    if (seen.has(name)) say('EXEC3', `attempt ${line.id} ${line.attempt} was executed twice`);
    seen.add(name);
    judgeTime(line, earliestOf(life, line.attempt), say);
    judgeEvents(line, life, byId, say);
    running.end(name);
    if (isGivenUp(life, line.attempt)) return;
    for (const { group, count, most } of running.start(name, String(start.worker), limitsOf(life.request)))
      say('SLOT2', `${count} executions of ${group} ran at once, and the limit is ${most}`);
    const rules = expected[life.request.fn] ?? {};
    const group = `${life.request.fn} ${keyIn(life.request, rules)}`;
    const isLate = isOvertaken(places, group, life.request);
    if (rules.isFifo === true && rules.passesFailed !== true && line.attempt === 1 && isLate)
      say('SLOT7', `${line.id} was executed after a later request of ${group}`);
  };
  for (const line of executions) {
    if (line.kind === 'killed') {
      running.kill(line.pid);
      continue;
    }
    const started = startOf(byId.get(line.id) ?? [], line);
    const name = nameOf(started?.life.request.fn ?? line.fn ?? '', line);
    if (line.kind === 'end') {
      running.end(name);
      if (line.payload !== undefined) returned.set(name, (returned.get(name) ?? new Set()).add(line.payload));
    } else if (started !== undefined) judgeStart(line, name, started);
    else if (!isLossy) say('E1', `attempt ${line.id} ${line.attempt} was executed, and the log does not hold its start`);
  }
  const lives = [...byId.values()].flat();
  judgeExecuted(lives, { expected, seen }, say);
  judgeReturned(lives, returned, say);
}

/** A leader runs with the events of the members that joined it, in the order in which its group names them, and with its own (DEB3). */
function judgeEvents({ events, id }: Line, { request, facts }: Life, byId: ReadonlyMap<string, Life[]>, say: Say): void {
  const closed = facts.find(({ type }) => type === 'debounce.closed');
  if (events === undefined || closed === undefined) return;
  const joined = (closed.members as { invocation: string }[]).filter(({ invocation }) => {
    const member = byId.get(invocation)?.find((life) => life.request.fn === request.fn);
    const part = member?.facts.find(({ type }) => type === 'debounce.joined');
    return part?.keep === 'all' && (part.leader as { invocation: string }).invocation === id;
  });
  const wanted = [...joined.map(({ invocation }) => invocation), id].join();
  if (events.join() !== wanted) say('DEB3', `${id} ran with the events of ${events.join()}, and its members are ${wanted}`);
}

/** The outcome is what an execution of its own attempt returned, where the functions write down what they return (EXEC2). */
function judgeReturned(lives: readonly Life[], returned: ReadonlyMap<string, ReadonlySet<string>>, say: Say): void {
  if (returned.size === 0) return;
  for (const { request, facts } of lives) {
    const outcome = facts.find(isOutcome);
    // Nothing executes a batch, and a member ends with the outcome of its leader.
    if (outcome?.type !== 'succeeded' || outcome.attempt === 0) continue;
    const found = [...(returned.get(nameOf(request.fn, { id: request.id, attempt: outcome.attempt ?? 0 })) ?? [])];
    if (!found.includes(String(outcome.payload)))
      say(
        'EXEC2',
        `the outcome of ${request.id} is ${outcome.payload}, and attempt ${outcome.attempt} returned ${found.join() || 'nothing'}`,
      );
  }
}

/** No execution starts before its request, or its retry, is due. */
function judgeTime({ id, attempt, at }: Line, dueAt: number, say: Say): void {
  const early = dueAt - (at ?? dueAt);
  if (early > CLOCKS_DIFFER_BY_MS) say('T1', `attempt ${id} ${attempt} was executed ${early} ms before it was due`);
}

/** When the request of an attempt, and the retry that made it, was due; 0 for what is due at once. */
function earliestOf({ request, facts }: Life, attempt: number): number {
  const retry = facts.find((fact) => fact.type === 'retrying' && fact.attempt === attempt - 1);
  return Math.max(dueAtOf(request), Number(retry?.dueAt ?? 0));
}

/** Whether a later request of the group was executed before. A delayed one takes its place when it is due. Notes the place of the request. */
function isOvertaken(places: Map<string, number>, group: string, request: Request): boolean {
  const last = places.get(group) ?? 0;
  places.set(group, Math.max(placeOf(request), last));
  return placeOf(request) < last && dueAtOf(request) === 0;
}

/**
 * The executions that run at one time. Those of a worker end with the line that says that it was killed. The line is written before the kill:
 * an execution that the worker starts in between has no end, and counts for no limit.
 */
class RunningOfWorkers {
  readonly #running = new Running();
  readonly #workers = new Map<string, string>();
  readonly #killed: string[] = [];

  start(name: string, worker: string, limits: readonly Limit[]): ReturnType<Running['start']> {
    if (this.#killed.some((pid) => worker.includes(pid))) return [];
    this.#workers.set(name, worker);
    return this.#running.start(name, limits);
  }

  end(name: string): void {
    this.#workers.delete(name);
    this.#running.end(name);
  }

  kill(pid: number): void {
    const killed = `-${pid}-`;
    this.#killed.push(killed);
    for (const [name, worker] of this.#workers) if (worker.includes(killed)) this.end(name);
  }
}

type Failure = { kind: string; errorType: string };

/**
 * The log ended the attempt, and its worker may not know that: it stood still, or waits for nothing any more. The attempt holds no slot, and others
 * of its key go on, so its execution counts for no limit and has no place in the order.
 */
function isGivenUp({ facts }: Life, attempt: number): boolean {
  const failure = facts.find((fact) => fact.attempt === attempt && fact.failure !== undefined)?.failure as Failure | undefined;
  return failure !== undefined && (failure.kind !== 'function' || failure.errorType === 'InvocationTimedOut');
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
    if (!seen.has(nameOf(request.fn, { id: request.id, attempt: outcome.attempt ?? 0 })))
      say('E1', `${request.id} succeeded, and nothing executed it`);
  }
}

type Started = { life: Life; start: Placed };

const nameOf = (fn: string, { id, attempt }: Pick<Line, 'id' | 'attempt'>): string => `${fn} ${id} ${attempt}`;

function startOf(lives: readonly Life[], { fn, attempt }: Line): Started | undefined {
  for (const life of lives) {
    if (fn !== undefined && fn !== life.request.fn) continue;
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

/** No attempt starts before the earlier requests of its key are over, or started, as soon as these have their place (SLOT7). */
export function judgeOrder(lives: readonly Life[], expected: Expected, say: Say): void {
  if (expected.isFifo !== true) return;
  for (const facts of factsByKey(lives, expected)) judgeOrderOfKey(facts, expected.passesFailed ?? false, say);
}

function judgeOrderOfKey(facts: readonly { life: Life; fact: Placed }[], passesFailed: boolean, say: Say): void {
  const open = new Map(facts.map(({ life }) => [life.request.id, orderOf(life)]));
  for (const { life, fact } of facts) {
    const isStart = fact.type === 'running';
    if (isOutcome(fact) || (isStart && passesFailed)) open.delete(life.request.id);
    if (!isStart || (passesFailed && fact.attempt !== 1)) continue;
    const { place, waitsSince } = orderOf(life);
    if ([...open.values()].some((other) => other.place < place && other.placedAt < waitsSince))
      say('SLOT7', `${life.request.id} started before an earlier request of its key`);
  }
}

/**
 * The place of a request in its key. A delayed one takes it when the log says that it waits. Whoever lists a request that began to wait later
 * has read that; one that began to wait earlier may have been listed before.
 */
function orderOf({ request, facts }: Life): { place: number; placedAt: number; waitsSince: number } {
  const first = facts.find(({ type, flow }) => type === 'deferred' && (flow as { debounce?: object }).debounce === undefined);
  const waitsSince = first?.sequence ?? Number.POSITIVE_INFINITY;
  return { place: placeOf(request), placedAt: dueAtOf(request) > 0 ? waitsSince : request.sequence, waitsSince };
}

/**
 * Each start raises a level, which falls at the rate: the level stays below the burst (RATE1).
 *
 * A start has the time at which the server stored it. A token is given before that, and used after that, however long a worker stands still
 * in between. `toleranceInMs` covers only the clocks of the processes that write the ledger.
 */
export function judgeRates(lives: readonly Life[], expected: Expected, say: Say): void {
  const { rate } = expected;
  if (rate === undefined) return;
  const interval = rate.perInMs / rate.limit;
  for (const facts of factsByKey(lives, expected)) {
    let level = 0;
    let last = 0;
    for (const { life, fact } of facts.filter(({ fact: { type } }) => type === 'running')) {
      level = Math.max(0, level - (fact.storedAt - last) / interval) + 1;
      last = fact.storedAt;
      if (level > rate.burst + rate.toleranceInMs / interval) say('RATE1', `${life.request.id} started before its rate allowed it`);
    }
  }
}
