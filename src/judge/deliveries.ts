import type { Try } from './evidence.ts';
import { groupBy, isOutcome, type Life, type Placed, parse, type Say } from './read-lives.ts';

/* What the receivers of deliveries saw, and which destinations an outcome chose. */

type Destination = { id: string; when?: string; undecidable?: string };

/** Each try that a receiver saw is in the log, and was made once (E1, D1). */
export function judgeTries(tries: readonly Try[], byId: ReadonlyMap<string, Life[]>, say: Say): void {
  for (const [name, [first, ...others]] of groupBy(tries, (one) => `${one.fn} ${one.id}/${one.destination} ${one.try}`)) {
    if (others.length > 0) say('D1', `the try ${name} was made ${others.length + 1} times`);
    const life = byId.get(first?.id ?? '')?.find(({ request }) => request.fn === first?.fn);
    const isKnown = life?.facts.some(
      (fact) => fact.type === 'delivery.started' && fact.destination === first?.destination && fact.try === first?.try,
    );
    if (isKnown !== true) say('E1', `the try ${name} was made, and the log does not hold its start`);
  }
}

/** An outcome goes to the destinations whose conditions hold, and to no other one (WHEN1). */
export function judgeConditions(lives: readonly Life[], say: Say): void {
  for (const life of lives) {
    const outcome = life.facts.find(isOutcome);
    if (outcome !== undefined) judgeChoice(life, outcome, say);
  }
}

function judgeChoice(life: Life, outcome: Placed, say: Say): void {
  const { destinations = [], notSent = [] } = outcome as { destinations?: Destination[]; notSent?: Destination[] };
  const verdictOf = ({ when = '', undecidable }: Destination): boolean | undefined =>
    when === '' || undecidable !== undefined ? undefined : holdsFor(life, outcome, when);
  const wrong = [...destinations.filter((one) => verdictOf(one) === false), ...notSent.filter((one) => verdictOf(one) === true)];
  for (const { id, when } of wrong) say('WHEN1', `${life.request.id} chose wrongly whether ${id} gets its outcome: ${when}`);
}

type Comparison = { of?: string; path?: string; equals?: unknown; in?: unknown[]; exists?: boolean; less?: number; greater?: number };
type Term = Comparison & { not?: Comparison };
type When = Term & { and?: Term[]; or?: Term[] };

/** `undefined`: the judge cannot decide, because a payload is no JSON object or a path has several steps. */
function holdsFor(life: Life, outcome: Placed, text: string): boolean | undefined {
  const { and, or, ...term } = parse<When>(text) ?? {};
  const verdicts = (and ?? or ?? [term]).map((one) => termHolds(life, outcome, one));
  const decisive = or !== undefined;
  if (verdicts.includes(decisive)) return decisive;
  return verdicts.includes(undefined) ? undefined : !decisive;
}

function termHolds(life: Life, outcome: Placed, { not, ...comparison }: Term): boolean | undefined {
  const verdict = comparisonHolds(life, outcome, not ?? comparison);
  return verdict === undefined || not === undefined ? verdict : !verdict;
}

function comparisonHolds({ request }: Life, outcome: Placed, { of, path, ...operator }: Comparison): boolean | undefined {
  if (of === 'attempts') return holds(outcome.attempt, operator);
  if (of === 'condition') return holds(outcome.condition, operator);
  if (of === 'request') return holdsIn(request.payload, path, operator);
  if (of === 'response' && outcome.type === 'succeeded') return holdsIn(String(outcome.payload), path, operator);
  return undefined;
}

function holdsIn(payload: string, path: string | undefined, operator: Comparison): boolean | undefined {
  const value = parse<Record<string, unknown>>(payload);
  const field = /^\$\.(\w+)$/.exec(path ?? '')?.[1];
  if (field === undefined || typeof value !== 'object' || value === null) return undefined;
  // A text may be encrypted.
  return typeof value[field] === 'string' ? undefined : holds(value[field], operator);
}

function holds(value: unknown, { equals, in: list, exists, less, greater }: Comparison): boolean | undefined {
  if (equals !== undefined) return value === equals;
  if (list !== undefined) return list.includes(value);
  if (exists !== undefined) return (value !== undefined) === exists;
  if (typeof value !== 'number') return undefined;
  return less === undefined ? value > (greater ?? Number.POSITIVE_INFINITY) : value < less;
}
