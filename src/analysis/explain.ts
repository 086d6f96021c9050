import type { FactOf, Terms } from '#machines/facts.ts';
import { expiresAt } from '#machines/outcome.ts';
import { formatDuration } from '#src/core/text/format-duration.ts';
import { explainEnd } from './explain-end.ts';
import { explainNow } from './explain-now.ts';
import { explainRetry } from './explain-retry.ts';
import { type History, type Moment, momentsOf } from './history.ts';
import { count, isoTime } from './phrases.ts';
import type { Sentence, SentenceText } from './sentence.ts';

/**
 * Explains an invocation to a person on call: what happened, by which rule, what it waits for at `now`, and what to do.
 *
 * The facts record no reasons. The machine derives them from the recorded terms.
 */
export function explain(history: History, now: number): Sentence[] {
  const moments = momentsOf(history);
  const sentences = moments.flatMap((one, index) =>
    explainMoment(one, moments.slice(0, index)).map((sentence) => ({ at: one.fact.at, sequence: one.sequence, ...sentence })),
  );
  return [...sentences, ...explainNow(history, moments, now).map((sentence) => ({ at: now, ...sentence }))];
}

function explainMoment(one: Moment, past: readonly Moment[]): SentenceText[] {
  const { fact, before, after } = one;
  if (before === after) return [{ rule: 'E2', text: `The machine refuses the fact "${fact.type}" here, so the fact changed nothing.` }];
  switch (fact.type) {
    case 'queued':
      return [{ text: explainAcceptance(fact) }];
    case 'running':
      return [{ text: explainAttempt(fact, one) }, ...(fact.terms === undefined ? [] : [{ text: termsInWords(fact.terms, one) }])];
    case 'retrying':
      return explainRetry(fact, one);
    case 'succeeded':
    case 'failed':
      return explainEnd(fact, one);
    case 'delivery.started':
      return [{ text: `${fact.deliverer} started try ${fact.try} of the delivery to ${fact.destination}.` }];
    case 'delivery.failed':
      return [
        {
          rule: 'D1',
          text: `${tryOf(fact, past)} failed: ${fact.reason}. The next try is due in ${formatDuration(fact.dueAt - fact.at)}, at ${isoTime(fact.dueAt)}.`,
        },
      ];
    case 'delivery.delivered':
      return [{ text: `Try ${fact.try} delivered the outcome to ${fact.destination}.` }];
    case 'delivery.dead':
      return [{ rule: 'D1', text: `The delivery to ${fact.destination} was given up: ${fact.reason}. The outcome does not change.` }];
    case 'delivery.postponed': {
      const due = `It is due again in ${formatDuration(fact.dueAt - fact.at)}, at ${isoTime(fact.dueAt)}.`;
      return [{ rule: 'T1', text: `The delivery to ${fact.destination} was postponed without a try: ${fact.reason}. ${due}` }];
    }
    case 'delivery.redriven':
      return [{ rule: 'D1', text: `${one.by} redrove the delivery to ${fact.destination}.` }];
    case 'notified':
      return [{ rule: 'E4', text: notification(one) }];
    case 'redriven':
      return [{ text: `${one.by} redrove it, as ${fact.redrive}.` }];
  }
}

function explainAcceptance({ at, function: name, qualifier, lineage, redriveOf }: FactOf<'queued'>): string {
  const version = qualifier === 'latest' ? '' : ` (${qualifier})`;
  return `It was accepted at ${isoTime(at)} for ${name}${version}, ${origin()}.`;

  function origin(): string {
    if (redriveOf !== undefined) return `as a redrive of ${redriveOf}`;
    if (lineage === undefined) return 'from a client';
    return `as a destination of ${lineage.parent}: hop ${lineage.hop} of the chain of ${lineage.root}`;
  }
}

function explainAttempt({ at, attempt: number, worker }: FactOf<'running'>, { before }: Moment): string {
  const { request, dueAt } = before.context;
  if (number === 1) return `It waited ${formatDuration(at - (request?.at ?? at))} for a worker; then attempt 1 started on ${worker}.`;
  const late = at - (dueAt ?? at);
  return `Attempt ${number} started on ${worker}, ${late === 0 ? 'when it was due' : `${formatDuration(late)} after it was due`}.`;
}

function termsInWords({ revision, timeoutInMs, maxRetries, maxAgeInMs }: Terms, { after }: Moment): string {
  const retries = maxRetries === 0 ? 'no retry' : `at most ${count(maxRetries, 'retry', 'retries')}`;
  return `Its terms are those of revision ${revision} of the function: ${retries}, ${formatDuration(timeoutInMs)} for each attempt, and no attempt later than ${formatDuration(maxAgeInMs)} after acceptance, at ${isoTime(expiresAt(after, maxAgeInMs))}.`;
}

function tryOf(fact: FactOf<'delivery.failed'>, past: readonly Moment[]): string {
  const started = past.findLast(
    ({ fact: one }) => one.type === 'delivery.started' && one.destination === fact.destination && one.try === fact.try,
  );
  const took = started === undefined ? '' : ` after ${formatDuration(fact.at - started.fact.at)}`;
  return `Try ${fact.try} of the delivery to ${fact.destination}${took}`;
}

function notification({ before }: Moment): string {
  const destinations = before.context.outcome?.destinations ?? [];
  return destinations.length === 0 ? 'It has no destinations: it is settled.' : 'Every delivery is settled, so the invocation is settled.';
}
