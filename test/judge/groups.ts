import { groupBy, isOutcome, type Life, type Placed, parse, type Request, type Say } from './read-lives.ts';

/* What several invocations have in common: the children of an outcome, the members of a batch, and those of a group. */

type Destination = { id: string; destination: string };
type Envelope = { request_context?: { request_id: string }; response_payload?: string };

/** Each delivery to a function started one invocation, which got the outcome of its parent (D1, DLV1). */
export function judgeFollowers(lives: readonly Life[], requests: readonly Request[], say: Say): void {
  const parentOf = ({ headers }: Request): string => headers.Lineage?.split('/')[1] ?? '';
  const children = groupBy(requests, parentOf);
  // Two functions may have an invocation of one id.
  for (const [id, parents] of groupBy(lives, ({ request }) => request.id)) {
    const facts = parents.flatMap((life) => life.facts);
    const outcomes = facts.filter(isOutcome);
    const targets = outcomes.flatMap(({ destinations }) => (destinations as Destination[] | undefined) ?? []);
    const functions = new Set(targets.filter(({ destination }) => destination === 'FunctionGraph').map((target) => target.id));
    const delivered = facts.filter((fact) => fact.type === 'delivery.delivered' && functions.has(String(fact.destination))).length;
    const found = children.get(id) ?? [];
    const count = new Set(found.map((child) => `${child.fn} ${child.id}`)).size;
    if (count < delivered || count > functions.size)
      say('D1', `${id} was delivered to ${delivered} of ${functions.size} functions, and ${count} invocations follow from it`);
    for (const child of found) judgeChild(child, id, outcomes, say);
  }
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
    if (seals.filter(({ reason }) => reason !== 'canceled').length > 1) say('FAN1', `the batch ${batch} was sealed more than once`);
    if (outcome === undefined) continue;
    if (seals.length === 0) say('FAN2', `the batch ${batch} completed, and was never sealed`);
    const members = lives.filter((one) => one.request.fn === request.fn && one.request.headers['Member-Of'] === batch);
    judgeCounts(
      outcome,
      members.filter(({ request: { sequence } }) => sequence < outcome.sequence),
      say,
    );
  }
}

function judgeCounts(outcome: Placed, members: readonly Life[], say: Say): void {
  const ended = members.flatMap(({ facts }) => facts.filter(isOutcome)).filter(({ sequence }) => sequence < outcome.sequence);
  if (ended.length !== members.length) say('FAN2', `${outcome.invocation} completed with ${ended.length} of ${members.length} outcomes`);
  const said = parse<Counts>(String(outcome.payload));
  const succeeded = ended.filter(({ type }) => type === 'succeeded').length;
  if (said?.members !== members.length || said.counts.SUCCESS !== succeeded)
    say('FAN2', `${outcome.invocation} says ${outcome.payload}, and has ${members.length} members and ${succeeded} successes`);
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
