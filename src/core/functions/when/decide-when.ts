import type { Outcome } from '#machines/facts.ts';
import type { DecideWhen } from '#machines/outcome.ts';
import { openTexts } from '#src/core/encryption/open-texts.ts';
import type { PayloadSealer } from '#src/core/encryption/payload-sealer.ts';
import { holdsSealed, isSealed } from '#src/core/encryption/sealed-text.ts';
import { parseJson } from '#src/core/json/json.ts';
import { parseJsonPath, valueAt } from '#src/core/json/json-path.ts';
import { responsePayloadOf } from '#src/core/log/envelope.ts';
import type { AcceptedRequest } from '#src/core/log/event-log.ts';
import { isReference } from '#src/core/payloads/payload-reference.ts';
import { threadTime } from '#src/core/quotas/thread-time.ts';
import type { Comparison, When } from './when.ts';

/** Whether a condition holds, or why that cannot be decided. */
type Verdict = boolean | { undecidable: string };

/**
 * Decides whether the `when` of a destination holds for an outcome (WHEN1). The decision depends on the request, the outcome and the text
 * of `when` alone. The process that appends the outcome decides, and the outcome records the decision.
 *
 * What cannot be decided does not hold, and the reason is recorded (WHEN2): the payload is no JSON, was too large to be kept, or is
 * encrypted and this process has no key.
 *
 * Each payload is parsed once for all conditions: they have up to 100 comparisons together, on two payloads, in the thread that all projects
 * share.
 */
export function decideWhenFor(request: AcceptedRequest, payloads?: PayloadSealer): DecideWhen {
  const parse = rememberParsed();
  return (when, outcome) => {
    const known = parseJson(when) as When | undefined;
    const facts = { request, outcome, payloads, parse };
    const decide = (): Verdict => (known === undefined ? { undecidable: 'it is not JSON' } : judge(known, facts));
    const verdict = threadTime.spendOn(request.fact.function, decide);
    return typeof verdict === 'boolean' ? { holds: verdict } : { holds: false, undecidable: verdict.undecidable };
  };
}

type Facts = { request: AcceptedRequest; outcome: Outcome; payloads: PayloadSealer | undefined; parse: (text: string) => unknown };

/** The last two texts: the payloads of the request and of the response. */
function rememberParsed(): (text: string) => unknown {
  let known: { text: string; value: unknown }[] = [];
  return (text) => {
    const present = known.find((one) => one.text === text);
    if (present !== undefined) return present.value;
    const value = parseJson(text);
    known = [...known.slice(-1), { text, value }];
    return value;
  };
}

function judge({ and, or, not, ...comparison }: When, facts: Facts): Verdict {
  if (and !== undefined) return join(and, false, facts);
  if (or !== undefined) return join(or, true, facts);
  if (not === undefined) return compare(comparison, facts);
  const verdict = compare(not, facts);
  return typeof verdict === 'boolean' ? !verdict : verdict;
}

/** One term with the verdict `decisive` decides. Otherwise a term that cannot be decided leaves the whole undecided. */
function join(terms: readonly When[], decisive: boolean, facts: Facts): Verdict {
  const verdicts = terms.map((term) => judge(term, facts));
  if (verdicts.includes(decisive)) return decisive;
  return verdicts.find((verdict) => typeof verdict !== 'boolean') ?? !decisive;
}

function compare({ of, path, ...operator }: Comparison, facts: Facts): Verdict {
  const { outcome } = facts;
  switch (of) {
    case 'request':
    case 'response':
      return compareIn(of, path ?? '$', operator, facts);
    case 'condition':
      return holds(operator, outcome.type === 'failed' ? outcome.condition : undefined);
    case 'attempts':
      return holds(operator, outcome.attempt);
    default:
      return holds(operator, outcome.type);
  }
}

function compareIn(of: 'request' | 'response', path: string, operator: Comparison, facts: Facts): Verdict {
  const { request, outcome, payloads, parse } = facts;
  const missing = of === 'request' ? requestMissing(request) : responseMissing(outcome);
  if (missing !== undefined) return { undecidable: missing };
  const payload = of === 'request' ? eventOf(facts) : responsePayloadOf(openTexts(payloads, outcome, request.fact.function));
  if (isSealed(payload)) return { undecidable: `the ${of} payload is encrypted, and the process that ended the invocation has no key` };
  const parsed = parse(payload);
  if (parsed === undefined) return { undecidable: `the ${of} payload is not JSON` };
  const value = valueAt(parsed, parseJsonPath(path) ?? []);
  if (typeof value === 'string' && holdsSealed(value))
    return { undecidable: `${path} of the ${of} payload is encrypted, and the process that ended the invocation has no key` };
  const isOrdered = operator.less !== undefined || operator.greater !== undefined;
  if (!isOrdered || typeof value === 'number') return holds(operator, value);
  return { undecidable: value === undefined ? `the ${of} payload has no ${path}` : `${path} of the ${of} payload is no number` };
}

function requestMissing({ payload }: AcceptedRequest): string | undefined {
  return isReference(payload) ? 'the request payload is too large to be compared' : undefined;
}

function responseMissing(outcome: Outcome): string | undefined {
  return outcome.type === 'succeeded' && outcome.droppedBytes !== undefined ? 'the returned value was too large to be kept' : undefined;
}

/** The event of the request: an empty payload is the event `{}`. */
function eventOf({ request, payloads }: Facts): string {
  return request.payload === '' ? '{}' : openTexts(payloads, request.payload, request.fact.function);
}

/** A missing value equals nothing. Values of different types are different. */
function holds({ equals, in: list, exists, less, greater }: Comparison, value: unknown): boolean {
  if (equals !== undefined) return value === equals;
  if (list !== undefined) return list.some((one) => one === value);
  if (exists !== undefined) return (value !== undefined) === exists;
  return typeof value === 'number' && (less === undefined ? value > (greater ?? Number.POSITIVE_INFINITY) : value < less);
}
