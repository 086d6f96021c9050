import type { Evidence, Expected } from './evidence.ts';
import { dueAtOf, groupBy, isOutcome, keyIn, type Life, type Placed, parse, type Request, type Say } from './read-lives.ts';

/* What several invocations have in common: the children of an outcome, the members of a batch, and those of a group. */

type Destination = { id: string; destination: string };
type Envelope = { request_context?: { request_id: string }; response_payload?: string };

/** Each delivery to a function started one invocation, which got the outcome of its parent (D1, DLV1). */
export function judgeFollowers({ isLossy = false }: Evidence, lives: readonly Life[], requests: readonly Request[], say: Say): void {
  const parentOf = ({ headers }: Request): string => headers.Lineage?.split('/')[1] ?? '';
  const children = groupBy(requests, parentOf);
  // Two functions may have an invocation of one id.
  for (const [id, parents] of groupBy(lives, ({ request }) => request.id)) {
    const facts = parents.flatMap(({ request, facts: own }) => own.map((fact): Delivering => ({ ...fact, fn: request.fn })));
    const outcomes = facts.filter(isOutcome);
    const functions = new Set(outcomes.flatMap(targetsOf));
    const delivered = facts.filter((fact) => fact.type === 'delivery.delivered' && functions.has(`${fact.fn} ${fact.destination}`)).length;
    const found = children.get(id) ?? [];
    const count = new Set(found.map((child) => `${child.fn} ${child.id}`)).size;
    // A child may follow from an outcome that the log lost, whose destinations were others.
    if (count < delivered || (count > functions.size && !isLossy))
      say('D1', `${id} was delivered to ${delivered} of ${functions.size} functions, and ${count} invocations follow from it`);
    for (const child of found) judgeChild(child, id, outcomes, say);
  }
}

type Delivering = Placed & { fn: string };

/** The functions that get an outcome, by its own function and the id of the destination. */
function targetsOf({ fn, destinations }: Delivering): string[] {
  const targets = (destinations as Destination[] | undefined) ?? [];
  return targets.filter(({ destination }) => destination === 'FunctionGraph').map(({ id }) => `${fn} ${id}`);
}

function judgeChild(child: Request, parent: string, outcomes: readonly Placed[], say: Say): void {
  const envelope = parse<Envelope>(child.payload);
  const isEqual = outcomes.some((outcome) => outcome.type === 'failed' || outcome.payload === envelope?.response_payload);
  if (envelope?.request_context?.request_id !== parent || !isEqual)
    say('D1', `${child.id} follows from ${parent}, and did not get its outcome`);
}

type Counts = { members: number; counts: Record<string, number> };

/** A batch is sealed, then completed once, after the last of its members, whom it counts (FAN1, FAN2). */
export function judgeBatches(lives: readonly Life[], say: Say): void {
  for (const { request, facts } of lives) {
    if (request.headers.Batch !== 'opens') continue;
    const batch = parse<{ batch: string }>(request.payload)?.batch;
    const outcome = facts.find(isOutcome);
    const seals = facts.filter(({ type }) => type === 'batch.sealed');
    // A sealed batch records its cancellation, and no other seal.
    if (seals.slice(1).some(({ reason }) => reason !== 'canceled')) say('FAN1', `the batch ${batch} was sealed more than once`);
    const members = lives.filter((one) => one.request.fn === request.fn && one.request.headers['Member-Of'] === batch);
    judgeCanceled(seals, members, say);
    if (outcome === undefined) continue;
    const [seal] = seals;
    if (seal === undefined || seal.sequence > outcome.sequence) {
      say('FAN2', `the batch ${batch} completed, and was not sealed before`);
      continue;
    }
    judgeCounts(outcome, seal, members, say);
  }
}

/** No member starts that the log accepted after the cancellation of its batch (FAN4). */
function judgeCanceled(seals: readonly Placed[], members: readonly Life[], say: Say): void {
  const canceled = seals.find(({ reason }) => reason === 'canceled');
  if (canceled === undefined) return;
  for (const { request, facts } of members)
    if (request.sequence > canceled.sequence && facts.some(({ type }) => type === 'running'))
      say('FAN4', `${request.id} started, and was accepted after the cancellation of its batch`);
}

/** A member that the log accepted after the seal may be missing in the counts, because the process that counted may not have read it yet. */
function judgeCounts(outcome: Placed, seal: Placed, members: readonly Life[], say: Say): void {
  const due = members.filter(({ request }) => request.sequence < seal.sequence);
  const known = members.filter(({ request }) => request.sequence < outcome.sequence);
  const ended = due.filter((member) => endOf(member, outcome) !== undefined);
  if (ended.length !== due.length) say('FAN2', `${outcome.invocation} completed with ${ended.length} of ${due.length} outcomes`);
  const said = parse<Counts>(String(outcome.payload));
  const succeeded = (some: readonly Life[]): number => some.filter((member) => endOf(member, outcome)?.type === 'succeeded').length;
  const isCounted = isWithin(said?.members, due.length, known.length);
  if (!isCounted || !isWithin(said?.counts.SUCCESS, succeeded(due), succeeded(known)))
    say('FAN2', `${outcome.invocation} says ${outcome.payload}, and has ${due.length} members and ${succeeded(due)} successes`);
}

/** The outcome that a member had when its batch completed. */
function endOf({ facts }: Life, { sequence }: Placed): Placed | undefined {
  return facts.find((fact) => isOutcome(fact) && fact.sequence < sequence);
}

function isWithin(value = -1, least: number, most: number): boolean {
  return value >= least && value <= most;
}

type Member = { invocation: string };
const isPart = ({ type }: Placed): boolean => type === 'debounce.closed' || type === 'debounce.joined';
const waitsForGroup = ({ type, flow }: Placed): boolean => type === 'deferred' && (flow as { debounce?: object }).debounce !== undefined;

/** A debounced request gets one part. A leader starts after its group is closed (DEB1). */
export function judgeGroups(lives: readonly Life[], byId: ReadonlyMap<string, Life[]>, say: Say): void {
  for (const life of lives) {
    const { request, facts } = life;
    const parts = facts.filter(isPart);
    const [part] = parts;
    if (part !== undefined && facts.slice(facts.indexOf(part)).some(waitsForGroup))
      say('DEB1', `${request.id} waits for a group, and has its part in one already`);
    if (parts.length > 1) say('DEB3', `${request.id} got ${parts.length} parts in groups`);
    const beforeStart = facts.slice(
      0,
      Math.max(
        0,
        facts.findIndex(({ type }) => type === 'running'),
      ),
    );
    if (beforeStart.some(waitsForGroup) && !beforeStart.some(({ type }) => type === 'debounce.closed'))
      say('DEB1', `${request.id} started, and leads no group`);
    if (part?.type === 'debounce.joined') judgeMember(life, part, byId, say);
  }
}

/** A member starts no attempt, is named by its one leader, and ends after it (DEB3). */
function judgeMember({ request, facts }: Life, joined: Placed, byId: ReadonlyMap<string, Life[]>, say: Say): void {
  const { invocation } = joined.leader as Member;
  const leader = byId.get(invocation)?.find((life) => life.request.fn === request.fn)?.facts ?? [];
  const members = leader.find(({ type }) => type === 'debounce.closed')?.members as Member[] | undefined;
  if (!members?.some((member) => member.invocation === request.id))
    say('DEB3', `${request.id} joined ${invocation}, which does not name it`);
  if (facts.some(({ type }) => type === 'running')) say('DEB1', `${request.id} started, and is a member of the group of ${invocation}`);
  const [own, led] = [facts.find(isOutcome), leader.find(isOutcome)];
  if (own === undefined || joined.keep !== 'all') return;
  if (led === undefined || own.type !== led.type || own.sequence < led.sequence)
    say('DEB3', `${request.id} ended as ${own.type}, and its leader ${invocation} as ${led?.type ?? 'nothing yet'}`);
}

/** The clock of the process that closes a group may be wrong by so much. */
const CLOCKS_DIFFER_BY_MS = 1_000;

/** A group names each request of its key that came before the group was due and has no part yet, and is due in time for its oldest one (DEB2). */
export function judgeClosings(lives: readonly Life[], expected: Expected, requests: readonly Request[], say: Say): void {
  if (expected.isDebounced !== true) return;
  const messages = groupBy(requests, ({ fn, id }) => `${fn} ${id}`);
  // A request that was stored twice has two times, and a delayed one joins later.
  const sure = lives.filter(({ request }) => messages.get(`${request.fn} ${request.id}`)?.length === 1 && dueAtOf(request) === 0);
  const alike = groupBy(sure, ({ request }) => keyIn(request, expected));
  const closings = lives.flatMap((life) => life.facts.filter(({ type }) => type === 'debounce.closed').map((closed) => ({ life, closed })));
  for (const { life, closed } of closings) {
    const isDecided = ({ request, facts }: Life): boolean =>
      facts.some((fact) => fact.sequence <= closed.sequence && (isOutcome(fact) || isPart(fact))) ||
      closings.some(
        (other) =>
          other.closed.sequence <= closed.sequence &&
          (other.closed.members as Member[]).some(({ invocation }) => invocation === request.id),
      );
    const isDue = ({ request }: Life): boolean => request.at + CLOCKS_DIFFER_BY_MS < Number(closed.dueAt);
    const forgotten = (alike.get(keyIn(life.request, expected)) ?? []).find((one) => isDue(one) && !isDecided(one));
    if (forgotten !== undefined) say('DEB2', `the group of ${life.request.id} was closed without ${forgotten.request.id} of its key`);
    judgeLongestWait(life, closed, sure, say);
  }
}

/** `sure`: the requests of one known time. */
function judgeLongestWait({ request, facts }: Life, closed: Placed, sure: readonly Life[], say: Say): void {
  const waits = facts.find(waitsForGroup)?.flow as { debounce: { maxWaitInMs: number } } | undefined;
  const ids = new Set([request.id, ...(closed.members as Member[]).map(({ invocation }) => invocation)]);
  const grouped = sure.filter((one) => one.request.fn === request.fn && ids.has(one.request.id));
  if (waits === undefined || grouped.length < ids.size) return;
  const latest = grouped.reduce((oldest, one) => Math.min(oldest, one.request.at), request.at) + waits.debounce.maxWaitInMs;
  if (Number(closed.dueAt) > latest)
    say('DEB2', `the group of ${request.id} was due ${Number(closed.dueAt) - latest} ms after its longest wait`);
}

/** A fire time is one request, after the outcome of the one before it where invocations do not overlap (CRON3, CRON6). */
export function judgeSchedules({ schedules = [] }: Evidence, lives: readonly Life[], say: Say): void {
  const fires = lives.filter(({ request }) => /\/\d+$/.test(request.headers.Schedule ?? ''));
  for (const [fire, requested] of groupBy(fires, ({ request }) => `${request.fn} ${request.headers.Schedule}`))
    if (requested.length > 1) say('CRON3', `the fire time ${fire} has ${requested.length} invocations`);
  for (const name of schedules) {
    const own = fires.filter(({ request }) => request.headers.Schedule?.startsWith(`${name}/`));
    own.sort((one, other) => one.request.sequence - other.request.sequence);
    for (const [index, { request }] of own.entries()) {
      const before = own[index - 1];
      const end = before?.facts.find(isOutcome)?.sequence ?? Number.POSITIVE_INFINITY;
      if (before !== undefined && request.sequence < end)
        say('CRON6', `the schedule ${name} requested ${request.id} while ${before.request.id} had no outcome`);
    }
  }
}
