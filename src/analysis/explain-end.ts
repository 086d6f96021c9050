import type { Condition, FactOf, Failure, Outcome } from '#machines/facts.ts';
import { conditions } from '#machines/facts.ts';
import type { InvocationContext } from '#machines/invocation-context.ts';
import { canTryAgain } from '#machines/retry.ts';
import { formatDuration } from '#src/core/text/format-duration.ts';
import { failureInWords } from './explain-retry.ts';
import type { Moment } from './history.ts';
import { count, withFullStop } from './phrases.ts';
import type { SentenceText } from './sentence.ts';

/** Why an invocation ended, and which destinations get its outcome. */
export function explainEnd(fact: Outcome, { before }: Moment): SentenceText[] {
  const sentences: SentenceText[] = fact.type === 'succeeded' ? explainSuccess(fact, before) : explainFailure(fact, before);
  const destinations = fact.destinations ?? [];
  if (destinations.length > 0) {
    sentences.push({ rule: 'D1', text: `The outcome is to be delivered to ${destinations.map(({ id }) => id).join(', ')}.` });
  }
  return sentences.map((sentence) => ({ ...sentence, text: withFullStop(sentence.text) }));
}

function explainSuccess(fact: FactOf<'succeeded'>, { context }: Moment['before']): SentenceText[] {
  const took = formatDuration(fact.at - (context.startedAt ?? fact.at));
  const sentences: SentenceText[] = [{ rule: 'E4', text: `Attempt ${fact.attempt} succeeded after ${took}: no further attempt is made.` }];
  if (fact.droppedBytes !== undefined) {
    sentences.push({ text: `It returned ${fact.droppedBytes} bytes, more than the maximum: the stored result is empty.` });
  }
  return sentences;
}

function explainFailure(fact: FactOf<'failed'>, { context }: Moment['before']): SentenceText[] {
  const { attempt, condition, failure, at } = fact;
  if (condition === 'UnhandledInvocationError' || (condition === 'SystemError' && context.startedAt !== null)) {
    const took = formatDuration(at - (context.startedAt ?? at));
    return [
      { text: `Attempt ${attempt} ${failureInWords(failure)} after ${took}: ${failure.errorType}: ${failure.message}` },
      { rule: 'E5', text: `It failed (${condition}): ${whyNoRetry(failure, context)}.` },
    ];
  }
  const tried = attempt === 0 ? 'before any attempt' : `after ${count(attempt, 'attempt')}`;
  const age = condition === 'EventAgeExceeded' ? ` It was ${formatDuration(at - (context.request?.at ?? at))} old.` : '';
  return [
    { rule: ruleOf[condition] ?? 'E4', text: `It failed ${tried} (${condition}): ${conditions[condition]}.${age}` },
    { text: `The log says: ${failure.message}` },
  ];
}

const ruleOf: Partial<Record<Condition, string>> = { EventAgeExceeded: 'T1', LoopDetected: 'L1', InvalidRequest: 'U1' };

function whyNoRetry(failure: Failure, context: InvocationContext): string {
  const { terms } = context;
  if (canTryAgain(context, failure)) return 'its terms allowed another attempt, but the process that ended it made none';
  if (failure.kind === 'lost') return `${count(context.lost + 1, 'worker')} were lost with it, and no further attempt is made`;
  const allowed = terms?.maxRetries ?? 0;
  return allowed === 0 ? 'its terms allow no retry' : `all of its ${count(allowed, 'retry', 'retries')} are used`;
}
