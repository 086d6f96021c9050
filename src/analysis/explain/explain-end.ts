import type { Condition, FactOf, Failure, Outcome } from '#machines/facts.ts';
import { conditions } from '#machines/facts.ts';
import { isBatch } from '#machines/invocation.ts';
import type { InvocationContext } from '#machines/invocation-context.ts';
import { firstDueAt } from '#machines/outcome.ts';
import { canTryAgain } from '#machines/retry.ts';
import type { Moment } from '#src/analysis/history.ts';
import { withFullStop } from '#src/analysis/phrases.ts';
import { say } from '#src/analysis/say.ts';
import { whenTextInWords } from '#src/core/functions/when/when-in-words.ts';
import { formatDuration } from '#src/core/text/format-duration.ts';
import { explainCompletion } from './explain-batch.ts';
import { explainEndOfMember } from './explain-debounce.ts';
import { failedAttempt } from './explain-retry.ts';
import type { SentenceText } from './sentence.ts';

/** Why an invocation ended, and which destinations get its outcome. */
export function explainEnd(fact: Outcome, { before }: Moment): SentenceText[] {
  const sentences: SentenceText[] = endOf(fact, before);
  const destinations = fact.destinations ?? [];
  if (destinations.length > 0) {
    sentences.push({
      rule: 'D1',
      text: say('The outcome is to be delivered to {destinations}.', { destinations: destinations.map(({ id }) => id).join(', ') }),
    });
  }
  for (const { id, when, undecidable } of fact.notSent ?? []) {
    sentences.push({
      rule: undecidable === undefined ? 'WHEN1' : 'WHEN2',
      text: notSent({ destination: id, when: whenTextInWords(when), undecidable }),
    });
  }
  return sentences.map((sentence) => ({ ...sentence, text: withFullStop(sentence.text) }));
}

function endOf(fact: Outcome, before: Moment['before']): SentenceText[] {
  const ofMember = explainEndOfMember(fact);
  if (ofMember.length > 0) return ofMember;
  if (fact.type === 'failed') return explainFailure(fact, before);
  return isBatch(before) ? explainCompletion(fact) : explainSuccess(fact, before);
}

function notSent({ undecidable, ...values }: { destination: string; when: string; undecidable: string | undefined }): string {
  if (undecidable === undefined) return say('The outcome is not sent to {destination}: when {when} does not hold.', values);
  return say('The outcome is not sent to {destination}: when {when} cannot be decided, because {why}.', { ...values, why: undecidable });
}

function explainSuccess(fact: FactOf<'succeeded'>, { context }: Moment['before']): SentenceText[] {
  const took = formatDuration(fact.at - (context.startedAt ?? fact.at));
  const sentences: SentenceText[] = [
    {
      rule: 'E4',
      text: say('Attempt {attempt} succeeded after {duration}: no further attempt is made.', { attempt: fact.attempt, duration: took }),
    },
  ];
  if (fact.droppedBytes !== undefined) {
    sentences.push({
      text:
        fact.stored === undefined
          ? say('It returned {bytes} bytes, more than the maximum: the stored result is empty.', { bytes: fact.droppedBytes })
          : say('It returned {bytes} bytes, which are stored beside the log: the envelope is empty.', { bytes: fact.droppedBytes }),
    });
  }
  return sentences;
}

function explainFailure(fact: FactOf<'failed'>, { context }: Moment['before']): SentenceText[] {
  const { attempt, condition, failure, at } = fact;
  if (condition === 'UnhandledInvocationError' || (condition === 'SystemError' && context.startedAt !== null)) {
    const took = formatDuration(at - (context.startedAt ?? at));
    return [
      { text: failedAttempt(attempt, took, failure) },
      { rule: 'E5', text: say('It failed ({condition}): {why}.', { condition, why: whyNoRetry(failure, context) }) },
    ];
  }
  const tried =
    attempt === 0 ? say('before any attempt') : attempt === 1 ? say('after 1 attempt') : say('after {count} attempts', { count: attempt });
  const age =
    condition === 'EventAgeExceeded'
      ? say(' It was {duration} old.', { duration: formatDuration(at - (context.request === null ? at : firstDueAt(context.request))) })
      : '';
  const why = say(conditions[condition]);
  return [
    { rule: ruleOf[condition] ?? 'E4', text: say('It failed {tried} ({condition}): {why}.', { tried, condition, why }) + age },
    { text: say('The log says: {message}', { message: failure.message }) },
  ];
}

const ruleOf: Partial<Record<Condition, string>> = { EventAgeExceeded: 'T1', LoopDetected: 'L1', InvalidRequest: 'U1' };

function whyNoRetry(failure: Failure, context: InvocationContext): string {
  const { terms } = context;
  if (canTryAgain(context, failure)) return say('its terms allowed another attempt, but the process that ended it made none');
  if (failure.retryable === false) return say('the function said that a further attempt cannot succeed (retryable: false)');
  if (terms?.synchronous) return say('a synchronous call has one attempt (SYNC1)');
  if (failure.kind === 'lost') return say('{count} workers were lost with it, and no further attempt is made', { count: context.lost + 1 });
  const allowed = terms?.maxRetries ?? 0;
  if (allowed === 0) return say('its terms allow no retry');
  return allowed === 1 ? say('its only retry is used') : say('all of its {count} retries are used', { count: allowed });
}
