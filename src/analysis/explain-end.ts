import type { Condition, FactOf, Failure, Outcome } from '#machines/facts.ts';
import { conditions } from '#machines/facts.ts';
import type { InvocationContext } from '#machines/invocation-context.ts';
import { expiresAt } from '#machines/outcome.ts';
import { afterFailure, canTryAgain, MAX_LOST_ATTEMPTS } from '#machines/retry.ts';
import { formatDuration } from '#src/core/text/format-duration.ts';
import type { Moment } from './history.ts';
import type { SentenceText } from './sentence.ts';
import { count, moment } from './words.ts';

/** Why an attempt is followed by another one, when, and what is left of the age. */
export function explainRetry(fact: FactOf<'retrying'>, { before, after }: Moment): SentenceText[] {
  const { at, attempt, dueAt, failure } = fact;
  const endsAt = expiresAt(after, 0);
  const told: SentenceText[] = [
    {
      text: `Attempt ${attempt} ${how(failure)} after ${formatDuration(at - (before.context.startedAt ?? at))}: ${failure.errorType}: ${failure.message}`,
    },
    { rule: 'E5', text: consumption(failure, before.context, after.context) },
    {
      rule: 'T1',
      text: `Attempt ${attempt + 1} is due ${dueAt === at ? 'at once' : `in ${formatDuration(dueAt - at)}`}, at ${moment(dueAt)}: ${whyThen(fact, before, failure)}.`,
    },
  ];
  if (dueAt >= endsAt) {
    told.push({ rule: 'T1', text: `That is too late: at ${moment(endsAt)} it is as old as it may become, and ends.` });
  } else told.push({ text: `By its age it may go on until ${moment(endsAt)}, ${formatDuration(endsAt - at)} from then.` });
  return told.map((sentence) => ({ ...sentence, text: ended(sentence.text) }));
}

function how({ kind }: Failure): string {
  if (kind === 'function') return 'failed in the code of the function';
  return kind === 'lost' ? 'was lost with its worker' : 'could not be run by the platform';
}

function consumption({ kind }: Failure, { terms, lost }: InvocationContext, after: InvocationContext): string {
  const allowed = terms?.maxRetries ?? 0;
  if (kind === 'function') return `A failure of the code consumes a retry: ${after.retries} of ${allowed}.`;
  if (kind === 'lost') return `A lost worker consumes no retry; it is the loss ${lost + 1} of at most ${MAX_LOST_ATTEMPTS}.`;
  return 'A failure of the platform consumes no retry; only the age of the request bounds these.';
}

/** The delay, as the machine chooses it by the recorded terms; or that somebody chose another one. */
function whyThen(fact: FactOf<'retrying'>, before: Moment['before'], { kind }: Failure): string {
  const expected = afterFailure(before, { failure: fact.failure, at: fact.at });
  const { terms, retries } = before.context;
  if (expected.type !== 'retrying') {
    return kind === 'lost' ? `version 0.1 granted one attempt after the loss ${MAX_LOST_ATTEMPTS}` : 'by these terms there should be none';
  }
  if (expected.dueAt !== fact.dueAt) return `another delay than the ${formatDuration(expected.dueAt - fact.at)} that the terms give`;
  if (kind === 'lost') return 'a lost attempt is repeated at once';
  if (kind === 'platform') return 'the platform paces itself, from half a second up to a minute';
  if (terms === null) return 'there are no terms';
  const { initialInMs, factor, maxInMs, jitter } = terms.backoff;
  const chance = jitter === 0 ? '' : `, less up to ${Math.round(jitter * 100)} % by chance`;
  return `the delay of retry ${retries + 1}, of ${formatDuration(initialInMs)} times ${factor} for each further one, at most ${formatDuration(maxInMs)}${chance}`;
}

/** Why no further attempt is made. */
export function explainEnd(fact: Outcome, { before }: Moment): SentenceText[] {
  const told: SentenceText[] = fact.type === 'succeeded' ? success(fact, before) : failure(fact, before);
  const destinations = fact.destinations ?? [];
  if (destinations.length > 0) told.push({ rule: 'D1', text: `To be told: ${destinations.map(({ id }) => id).join(', ')}.` });
  return told.map((sentence) => ({ ...sentence, text: ended(sentence.text) }));
}

function success(fact: FactOf<'succeeded'>, { context }: Moment['before']): SentenceText[] {
  const took = formatDuration(fact.at - (context.startedAt ?? fact.at));
  const told: SentenceText[] = [{ rule: 'E4', text: `Attempt ${fact.attempt} succeeded after ${took}: no further attempt is made.` }];
  if (fact.droppedBytes !== undefined) {
    told.push({ text: `It returned ${fact.droppedBytes} bytes, more than is kept: the result is empty.` });
  }
  return told;
}

function failure(fact: FactOf<'failed'>, { context }: Moment['before']): SentenceText[] {
  const { attempt, condition, failure: last, at } = fact;
  if (condition === 'UnhandledInvocationError' || (condition === 'SystemError' && context.startedAt !== null)) {
    const took = formatDuration(at - (context.startedAt ?? at));
    return [
      { text: `Attempt ${attempt} ${how(last)} after ${took}: ${last.errorType}: ${last.message}` },
      { rule: 'E5', text: `It failed (${condition}): ${whyNoRetry(fact, context)}.` },
    ];
  }
  const tried = attempt === 0 ? 'before any attempt' : `after ${count(attempt, 'attempt')}`;
  const age = condition === 'EventAgeExceeded' ? ` It was ${formatDuration(at - (context.request?.at ?? at))} old.` : '';
  return [
    { rule: ruleOf[condition] ?? 'E4', text: `It failed ${tried} (${condition}): ${conditions[condition]}.${age}` },
    { text: `The log says: ${last.message}` },
  ];
}

const ruleOf: Partial<Record<Condition, string>> = { EventAgeExceeded: 'T1', LoopDetected: 'L1', InvalidRequest: 'U1' };

function whyNoRetry({ failure: last }: FactOf<'failed'>, context: InvocationContext): string {
  const { terms } = context;
  if (canTryAgain(context, last)) return 'another attempt would have been allowed, and whoever ended it decided otherwise';
  if (last.kind === 'lost') return `${count(context.lost + 1, 'worker')} were lost with it, and no further one is risked`;
  const allowed = terms?.maxRetries ?? 0;
  return allowed === 0 ? 'its terms allow no retry' : `all of its ${count(allowed, 'retry', 'retries')} are used`;
}

/** Messages of errors come with and without a full stop. */
function ended(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
