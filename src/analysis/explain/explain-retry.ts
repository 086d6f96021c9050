import type { FactOf, Failure } from '#machines/facts.ts';
import type { InvocationContext } from '#machines/invocation-context.ts';
import { expiresAt } from '#machines/outcome.ts';
import { afterFailure, MAX_LOST_ATTEMPTS } from '#machines/retry.ts';
import type { Moment } from '#src/analysis/history.ts';
import { isoTime, withFullStop } from '#src/analysis/phrases.ts';
import { say } from '#src/analysis/say.ts';
import { formatDuration } from '#src/core/text/format-duration.ts';
import type { SentenceText } from './sentence.ts';

/** Why another attempt follows, when it is due, and how much of the maximum age is left. */
export function explainRetry(fact: FactOf<'retrying'>, { before, after }: Moment): SentenceText[] {
  const { at, attempt, dueAt, failure } = fact;
  const took = formatDuration(at - (before.context.startedAt ?? at));
  const next = { attempt: attempt + 1, time: isoTime(dueAt), why: whyThen(fact, before) };
  const due =
    dueAt === at
      ? say('Attempt {attempt} is due at once, at {time}: {why}.', next)
      : say('Attempt {attempt} is due in {due}, at {time}: {why}.', { ...next, due: formatDuration(dueAt - at) });
  const sentences: SentenceText[] = [
    { text: failedAttempt(attempt, took, failure) },
    { rule: 'E5', text: explainConsumption(failure, before.context, after.context) },
    { rule: 'T1', text: due },
    explainAge(fact, expiresAt(after, 0)),
  ];
  return sentences.map((sentence) => ({ ...sentence, text: withFullStop(sentence.text) }));
}

function explainAge({ at, dueAt }: FactOf<'retrying'>, endsAt: number): SentenceText {
  if (dueAt < endsAt)
    return {
      text: say('Its maximum age allows attempts until {time}, {duration} from then.', {
        time: isoTime(endsAt),
        duration: formatDuration(endsAt - at),
      }),
    };
  return { rule: 'T1', text: say('That is too late: at {time} it reaches its maximum age and ends.', { time: isoTime(endsAt) }) };
}

/** The host puts these words before the message of every error that a function throws. The sentence says the same. */
const THREW = /^function invocation exception, error: /;

/** How an attempt failed, with its error. */
export function failedAttempt(attempt: number, duration: string, { kind, errorType: type, message }: Failure): string {
  const values = { attempt, duration, type, message: message.replace(THREW, '') };
  switch (kind) {
    case 'function':
      return say('Attempt {attempt} failed in the code of the function after {duration}: {type}: {message}', values);
    case 'lost':
      return say('Attempt {attempt} was lost with its worker after {duration}: {type}: {message}', values);
    case 'platform':
      return say('Attempt {attempt} could not be run by the platform after {duration}: {type}: {message}', values);
  }
}

function explainConsumption({ kind }: Failure, { terms, lost }: InvocationContext, after: InvocationContext): string {
  const allowed = terms?.maxRetries ?? 0;
  if (kind === 'function') return say('A failure of the code consumes a retry: {used} of {allowed}.', { used: after.retries, allowed });
  if (kind === 'lost')
    return say('A lost worker consumes no retry; it is the loss {number} of at most {most}.', {
      number: lost + 1,
      most: MAX_LOST_ATTEMPTS,
    });
  return say('A failure of the platform consumes no retry; only the maximum age bounds such attempts.');
}

/** The reason for the delay: the machine's, by the recorded terms, or that the recorded delay differs. */
function whyThen(fact: FactOf<'retrying'>, before: Moment['before']): string {
  const { kind } = fact.failure;
  const expected = afterFailure(before, { failure: fact.failure, at: fact.at });
  if (expected.type !== 'retrying') return say('its terms allow no further attempt');
  if (expected.dueAt !== fact.dueAt)
    return say('another delay than the {duration} that the terms give', { duration: formatDuration(expected.dueAt - fact.at) });
  if (fact.failure.retryAfterInMs !== undefined) return say('the function asked for this delay');
  if (kind === 'lost') return say('a lost attempt is repeated at once');
  if (kind === 'platform') return say('the platform backs off, from half a second up to a minute');
  return backoffInWords(before.context);
}

function backoffInWords({ terms, retries }: InvocationContext): string {
  if (terms === null) return say('no terms are recorded');
  const { initialInMs, factor, maxInMs, jitter } = terms.backoff;
  const delay = say('the delay of retry {retry}, of {first} times {factor} for each further one, at most {longest}', {
    retry: retries + 1,
    first: formatDuration(initialInMs),
    factor,
    longest: formatDuration(maxInMs),
  });
  return jitter === 0 ? delay : delay + say(', less up to {percent} % at random', { percent: Math.round(jitter * 100) });
}
