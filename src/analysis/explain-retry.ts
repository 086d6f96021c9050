import type { FactOf, Failure } from '#machines/facts.ts';
import type { InvocationContext } from '#machines/invocation-context.ts';
import { expiresAt } from '#machines/outcome.ts';
import { afterFailure, MAX_LOST_ATTEMPTS } from '#machines/retry.ts';
import { formatDuration } from '#src/core/text/format-duration.ts';
import type { Moment } from './history.ts';
import { isoTime, withFullStop } from './phrases.ts';
import type { SentenceText } from './sentence.ts';

/** Why another attempt follows, when it is due, and how much of the maximum age is left. */
export function explainRetry(fact: FactOf<'retrying'>, { before, after }: Moment): SentenceText[] {
  const { at, attempt, dueAt, failure } = fact;
  const took = formatDuration(at - (before.context.startedAt ?? at));
  const due = `${dueAt === at ? 'at once' : `in ${formatDuration(dueAt - at)}`}, at ${isoTime(dueAt)}`;
  const sentences: SentenceText[] = [
    { text: `Attempt ${attempt} ${failureInWords(failure)} after ${took}: ${failure.errorType}: ${failure.message}` },
    { rule: 'E5', text: explainConsumption(failure, before.context, after.context) },
    { rule: 'T1', text: `Attempt ${attempt + 1} is due ${due}: ${whyThen(fact, before)}.` },
    explainAge(fact, expiresAt(after, 0)),
  ];
  return sentences.map((sentence) => ({ ...sentence, text: withFullStop(sentence.text) }));
}

function explainAge({ at, dueAt }: FactOf<'retrying'>, endsAt: number): SentenceText {
  if (dueAt < endsAt)
    return { text: `Its maximum age allows attempts until ${isoTime(endsAt)}, ${formatDuration(endsAt - at)} from then.` };
  return { rule: 'T1', text: `That is too late: at ${isoTime(endsAt)} it reaches its maximum age and ends.` };
}

export function failureInWords({ kind }: Failure): string {
  if (kind === 'function') return 'failed in the code of the function';
  return kind === 'lost' ? 'was lost with its worker' : 'could not be run by the platform';
}

function explainConsumption({ kind }: Failure, { terms, lost }: InvocationContext, after: InvocationContext): string {
  const allowed = terms?.maxRetries ?? 0;
  if (kind === 'function') return `A failure of the code consumes a retry: ${after.retries} of ${allowed}.`;
  if (kind === 'lost') return `A lost worker consumes no retry; it is the loss ${lost + 1} of at most ${MAX_LOST_ATTEMPTS}.`;
  return 'A failure of the platform consumes no retry; only the maximum age bounds such attempts.';
}

/** The reason for the delay: the machine's, by the recorded terms, or that the recorded delay differs. */
function whyThen(fact: FactOf<'retrying'>, before: Moment['before']): string {
  const { kind } = fact.failure;
  const expected = afterFailure(before, { failure: fact.failure, at: fact.at });
  if (expected.type !== 'retrying') {
    return kind === 'lost' ? `version 0.1 granted one attempt after the loss ${MAX_LOST_ATTEMPTS}` : 'its terms allow no further attempt';
  }
  if (expected.dueAt !== fact.dueAt) return `another delay than the ${formatDuration(expected.dueAt - fact.at)} that the terms give`;
  if (kind === 'lost') return 'a lost attempt is repeated at once';
  if (kind === 'platform') return 'the platform backs off, from half a second up to a minute';
  return backoffInWords(before.context);
}

function backoffInWords({ terms, retries }: InvocationContext): string {
  if (terms === null) return 'no terms are recorded';
  const { initialInMs, factor, maxInMs, jitter } = terms.backoff;
  const random = jitter === 0 ? '' : `, less up to ${Math.round(jitter * 100)} % at random`;
  return `the delay of retry ${retries + 1}, of ${formatDuration(initialInMs)} times ${factor} for each further one, at most ${formatDuration(maxInMs)}${random}`;
}
