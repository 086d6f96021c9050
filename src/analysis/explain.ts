import type { FactOf, Terms } from '#machines/facts.ts';
import { expiresAt } from '#machines/outcome.ts';
import { formatDuration } from '#src/core/text/format-duration.ts';
import { explainEnd, explainRetry } from './explain-end.ts';
import { explainNow } from './explain-now.ts';
import { type History, type Moment, momentsOf } from './history.ts';
import type { Sentence, SentenceText } from './sentence.ts';
import { count, moment } from './words.ts';

/**
 * Tells the story of an invocation to a person on call: what happened, by which rule, what it waits for at `now`, and what
 * to do. What the facts leave out is derived by the machine from the terms that they recorded.
 */
export function explain(history: History, now: number): Sentence[] {
  const moments = momentsOf(history);
  const sentences = moments.flatMap((one, index) =>
    tell(one, moments.slice(0, index)).map((sentence) => ({ at: one.fact.at, sequence: one.sequence, ...sentence })),
  );
  return [...sentences, ...explainNow(history, moments, now).map((sentence) => ({ at: now, ...sentence }))];
}

function tell(one: Moment, past: readonly Moment[]): SentenceText[] {
  const { fact, before, after } = one;
  if (before === after) return [{ rule: 'E2', text: `The log holds "${fact.type}" here, which the machine refuses: it changed nothing.` }];
  switch (fact.type) {
    case 'queued':
      return [{ text: acceptance(fact) }];
    case 'running':
      return [{ text: attempt(fact, one) }, ...(fact.terms === undefined ? [] : [{ text: termsInWords(fact.terms, one) }])];
    case 'retrying':
      return explainRetry(fact, one);
    case 'succeeded':
    case 'failed':
      return explainEnd(fact, one);
    case 'delivery.started':
      return [{ text: `Try ${fact.try} to tell ${fact.destination} began, by ${fact.deliverer}.` }];
    case 'delivery.failed':
      return [
        {
          rule: 'D1',
          text: `${tryOf(fact, past)} failed: ${fact.reason}. The next one is due in ${formatDuration(fact.dueAt - fact.at)}, at ${moment(fact.dueAt)}.`,
        },
      ];
    case 'delivery.delivered':
      return [{ text: `${fact.destination} was told, by try ${fact.try}.` }];
    case 'delivery.dead':
      return [{ rule: 'D1', text: `${fact.destination} was given up: ${fact.reason}. The outcome stays as it is.` }];
    case 'delivery.redriven':
      return [{ rule: 'D1', text: `Somebody (${one.by}) asked for ${fact.destination} to be told after all.` }];
    case 'notified':
      return [{ rule: 'E4', text: notification(one) }];
    case 'redriven':
      return [{ text: `Somebody (${one.by}) ran it again, as ${fact.redrive}.` }];
  }
}

function acceptance({ at, function: name, qualifier, lineage, redriveOf }: FactOf<'queued'>): string {
  const version = qualifier === 'latest' ? '' : ` (${qualifier})`;
  return `It was accepted at ${moment(at)} for ${name}${version}, ${origin()}.`;

  function origin(): string {
    if (redriveOf !== undefined) return `to run ${redriveOf} again`;
    if (lineage === undefined) return 'from a client';
    return `as a destination of ${lineage.parent}: hop ${lineage.hop} of the chain that began with ${lineage.root}`;
  }
}

function attempt({ at, attempt: number, worker }: FactOf<'running'>, { before }: Moment): string {
  const { request, dueAt } = before.context;
  if (number === 1) return `It waited ${formatDuration(at - (request?.at ?? at))} for a worker; then attempt 1 began on ${worker}.`;
  const late = at - (dueAt ?? at);
  return `Attempt ${number} began on ${worker}, ${late === 0 ? 'when it was due' : `${formatDuration(late)} after it was due`}.`;
}

function termsInWords({ revision, timeoutInMs, maxRetries, maxAgeInMs }: Terms, { after }: Moment): string {
  const retries = maxRetries === 0 ? 'no retry' : `at most ${count(maxRetries, 'retry', 'retries')}`;
  return `From here on it runs by revision ${revision} of the function: ${retries}, ${formatDuration(timeoutInMs)} for each attempt, and none begins more than ${formatDuration(maxAgeInMs)} after acceptance, that is after ${moment(expiresAt(after, maxAgeInMs))}.`;
}

function tryOf(fact: FactOf<'delivery.failed'>, past: readonly Moment[]): string {
  const started = past.findLast(
    ({ fact: one }) => one.type === 'delivery.started' && one.destination === fact.destination && one.try === fact.try,
  );
  const took = started === undefined ? '' : ` after ${formatDuration(fact.at - started.fact.at)}`;
  return `Try ${fact.try} to tell ${fact.destination}${took}`;
}

function notification({ before }: Moment): string {
  const told = before.context.outcome?.destinations ?? [];
  return told.length === 0 ? 'There was nobody to be told: it is over.' : 'Every destination is settled: it is over.';
}
