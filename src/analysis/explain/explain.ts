import type { FactOf, Terms } from '#machines/facts.ts';
import { expiresAt } from '#machines/outcome.ts';
import { type History, type Moment, momentsOf } from '#src/analysis/history.ts';
import { isoTime, withFullStop } from '#src/analysis/phrases.ts';
import { say } from '#src/analysis/say.ts';
import { shownPool } from '#src/core/functions/pool-names.ts';
import { formatDuration } from '#src/core/text/format-duration.ts';
import { explainOpening, explainSeal } from './explain-batch.ts';
import { explainDebounce, explainPart } from './explain-debounce.ts';
import { explainEnd } from './explain-end.ts';
import { explainNow } from './explain-now.ts';
import { explainRetry } from './explain-retry.ts';
import type { Surroundings } from './queue-waits.ts';
import type { Sentence, SentenceText } from './sentence.ts';

/**
 * Explains an invocation to a person on call: what happened, by which rule, what it waits for at `now`, and what to do.
 *
 * The facts record no reasons. The machine derives them from the recorded terms. `around` as in `whyWaiting`.
 */
export function explain(history: History, now: number, around?: Surroundings): Sentence[] {
  const moments = momentsOf(history);
  const sentences = moments.flatMap((one, index) =>
    explainMoment(one, moments.slice(0, index)).map((sentence) => ({ at: one.fact.at, sequence: one.sequence, ...sentence })),
  );
  return [...sentences, ...explainNow(history, moments, { now, around }).map((sentence) => ({ at: now, ...sentence }))];
}

function explainMoment(one: Moment, past: readonly Moment[]): SentenceText[] {
  const { fact, before, after } = one;
  if (before === after)
    return [{ rule: 'E2', text: say('The machine refuses the fact "{type}" here, so the fact changed nothing.', { type: fact.type }) }];
  switch (fact.type) {
    case 'queued':
      if (fact.opens !== undefined) return explainOpening(fact, fact.opens);
      return [{ text: explainAcceptance(fact) }, ...explainDelay(fact)];
    case 'deferred':
      return [{ text: explainDeferral(fact) }];
    case 'debounce.closed':
    case 'debounce.joined':
      return explainPart(fact);
    case 'running':
      return [{ text: explainAttempt(fact, one) }, ...(fact.terms === undefined ? [] : [{ text: termsInWords(fact.terms, one) }])];
    case 'retrying':
      return explainRetry(fact, one);
    case 'succeeded':
    case 'failed':
      return explainEnd(fact, one);
    case 'delivery.started':
      return [{ text: say('{deliverer} started try {try} of the delivery to {destination}.', fact) }];
    case 'delivery.failed':
      return [
        {
          rule: 'D1',
          text: explainFailedTry(fact, past),
        },
      ];
    case 'delivery.delivered':
      return [{ text: say('Try {try} delivered the outcome to {destination}.', fact) }];
    case 'delivery.dead':
      return [{ rule: 'D1', text: say('The delivery to {destination} was given up: {reason}. The outcome does not change.', fact) }];
    case 'delivery.postponed':
      return [{ rule: 'T1', text: explainPostponement(fact) }];
    case 'delivery.redriven':
      return [{ rule: 'D1', text: say('{by} redrove the delivery to {destination}.', { by: one.by, destination: fact.destination }) }];
    case 'delivery.dismissed':
      return [
        { rule: 'D1', text: withFullStop(say('{by} dismissed the dead delivery to {destination}: {note}', { by: one.by, ...fact })) },
      ];
    case 'notified':
      return [{ rule: 'E4', text: notification(one) }];
    case 'batch.sealed':
      return explainSeal(fact);
    case 'redriven':
      return [{ text: say('{by} redrove it, as {redrive}.', { by: one.by, redrive: fact.redrive }) }];
  }
}

function explainAcceptance({ at, function: name, qualifier, lineage, redriveOf, schedule, batch }: FactOf<'queued'>): string {
  const target = qualifier === 'latest' ? name : `${name} (${qualifier})`;
  return say('It was accepted at {time} for {function}, {origin}.', { time: isoTime(at), function: target, origin: origin() });

  function origin(): string {
    if (redriveOf !== undefined) return redriveInWords(redriveOf, batch);
    if (schedule?.at !== undefined)
      return say('by the schedule {name}, for its fire time {time}', { name: schedule.name, time: isoTime(schedule.at) });
    if (schedule !== undefined) return say('because a person ran the schedule {name}', { name: schedule.name });
    if (lineage === undefined) return clientInWords(batch);
    return say('as a destination of {parent}: hop {hop} of the chain of {root}', lineage);
  }
}

function redriveInWords(id: string, batch: string | undefined): string {
  return batch === undefined ? say('as a redrive of {id}', { id }) : say('as a redrive of {id}, in the batch {batch}', { id, batch });
}

function clientInWords(batch: string | undefined): string {
  return batch === undefined ? say('from a client') : say('as a member of the batch {batch}', { batch });
}

function explainDelay({ at, dueAt }: FactOf<'queued'>): SentenceText[] {
  if (dueAt === undefined) return [];
  const values = { due: formatDuration(dueAt - at), time: isoTime(dueAt) };
  return [{ rule: 'T1', text: say('It was delayed: its first attempt is due in {due}, at {time}.', values) }];
}

function explainDeferral({ flow: { pool: id, key, priority, rate, debounce } }: FactOf<'deferred'>): string {
  if (debounce !== undefined) return explainDebounce(debounce, key);
  const pool = shownPool(id).name;
  if (rate === undefined && priority !== undefined && key === '')
    return say('The next attempt waits for a slot of {pool}, with the priority {priority}.', { pool, priority });
  if (rate === undefined && key === '') return say('The next attempt waits for a slot of {pool}.', { pool });
  if (rate === undefined) return say('The next attempt waits for a slot of {pool}, with the key "{key}".', { pool, key });
  const values = { pool, key, limit: rate.limit, per: formatDuration(rate.perInMs), time: isoTime(rate.dueAt) };
  return key === ''
    ? say('The next attempt waits for the rate of {pool}, {limit} in {per}: none can start before {time}.', values)
    : say('The next attempt waits for the rate of {pool}, {limit} in {per} for the key "{key}": none can start before {time}.', values);
}

function explainAttempt({ at, attempt: number, worker }: FactOf<'running'>, { before }: Moment): string {
  const { request, dueAt } = before.context;
  if (number === 1 && dueAt === null) {
    const waited = formatDuration(at - (request?.at ?? at));
    return say('It waited {duration} for a worker; then attempt 1 started on {worker}.', { duration: waited, worker });
  }
  const late = at - (dueAt ?? at);
  if (late === 0) return say('Attempt {number} started on {worker}, when it was due.', { number, worker });
  return say('Attempt {number} started on {worker}, {duration} after it was due.', { number, worker, duration: formatDuration(late) });
}

function termsInWords({ revision, version, timeoutInMs, maxRetries, maxAgeInMs, synchronous }: Terms, { after }: Moment): string {
  const none = synchronous
    ? say('neither retries nor destinations, because its caller waits for the first attempt (SYNC1)')
    : say('no retry');
  const isDelayed = after.context.request?.dueAt !== undefined;
  return say(
    isDelayed
      ? 'Its terms are those of {revision} of the function: {retries}, {timeout} for each attempt, and no attempt later than {age} after it was due, at {end}.'
      : 'Its terms are those of {revision} of the function: {retries}, {timeout} for each attempt, and no attempt later than {age} after acceptance, at {end}.',
    {
      revision:
        version === undefined
          ? say('revision {revision}', { revision })
          : say('revision {revision} in version {version}', { revision, version }),
      retries: maxRetries === 0 ? none : maxRetries === 1 ? say('at most 1 retry') : say('at most {count} retries', { count: maxRetries }),
      timeout: formatDuration(timeoutInMs),
      age: formatDuration(maxAgeInMs),
      end: isoTime(expiresAt(after, maxAgeInMs)),
    },
  );
}

function explainFailedTry(fact: FactOf<'delivery.failed'>, past: readonly Moment[]): string {
  const started = past.findLast(
    ({ fact: one }) => one.type === 'delivery.started' && one.destination === fact.destination && one.try === fact.try,
  );
  const values = { ...fact, due: formatDuration(fact.dueAt - fact.at), time: isoTime(fact.dueAt) };
  if (started === undefined)
    return say('Try {try} of the delivery to {destination} failed: {reason}. The next try is due in {due}, at {time}.', values);
  return say('Try {try} of the delivery to {destination} after {duration} failed: {reason}. The next try is due in {due}, at {time}.', {
    ...values,
    duration: formatDuration(fact.at - started.fact.at),
  });
}

function explainPostponement({ destination, reason, at, dueAt }: FactOf<'delivery.postponed'>): string {
  return say('The delivery to {destination} was postponed without a try: {reason}. It is due again in {due}, at {time}.', {
    destination,
    reason,
    due: formatDuration(dueAt - at),
    time: isoTime(dueAt),
  });
}

function notification({ before }: Moment): string {
  const { destinations = [], notSent = [] } = before.context.outcome ?? {};
  if (destinations.length === 0 && notSent.length > 0) return say('No destination gets the outcome: it is settled.');
  return destinations.length === 0
    ? say('It has no destinations: it is settled.')
    : say('Every delivery is settled, so the invocation is settled.');
}
