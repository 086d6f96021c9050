import type { Fact, FactOf, Failure, OpensBatch, Outcome } from '#machines/facts.ts';
import { say, sayCount, sayWord } from '#src/cli/texts/say.ts';
import { whenTextInWords } from '#src/core/functions/when/when-in-words.ts';
import { quote } from '#src/core/names/names.ts';
import { formatDuration } from '#src/core/text/format-duration.ts';
import { type OutputStream, type Paint, padEnd, plain } from './terminal.ts';

type Sign = {
  unicode: string;
  ascii: string;
  colour: keyof Pick<Paint, 'cyan' | 'blue' | 'yellow' | 'green' | 'red' | 'magenta' | 'gray'>;
};

/** The sign and colour of each transition. Colour is never the only difference. */
const signs: Record<Fact['type'], Sign> = {
  queued: { unicode: '○', ascii: 'o', colour: 'cyan' },
  deferred: { unicode: '⏸', ascii: '~', colour: 'yellow' },
  'debounce.closed': { unicode: '◆', ascii: '#', colour: 'cyan' },
  'debounce.joined': { unicode: '◇', ascii: '#', colour: 'cyan' },
  running: { unicode: '▶', ascii: '>', colour: 'blue' },
  retrying: { unicode: '↻', ascii: '~', colour: 'yellow' },
  succeeded: { unicode: '✔', ascii: '+', colour: 'green' },
  failed: { unicode: '✖', ascii: 'x', colour: 'red' },
  'delivery.started': { unicode: '▷', ascii: '>', colour: 'blue' },
  'delivery.failed': { unicode: '↻', ascii: '~', colour: 'yellow' },
  'delivery.delivered': { unicode: '✓', ascii: '+', colour: 'green' },
  'delivery.dead': { unicode: '✗', ascii: 'x', colour: 'red' },
  'delivery.postponed': { unicode: '⏸', ascii: '~', colour: 'yellow' },
  'delivery.dismissed': { unicode: '⊘', ascii: 'x', colour: 'gray' },
  'delivery.redriven': { unicode: '↺', ascii: '~', colour: 'magenta' },
  notified: { unicode: '■', ascii: '=', colour: 'gray' },
  redriven: { unicode: '↺', ascii: '~', colour: 'magenta' },
  'batch.sealed': { unicode: '◆', ascii: '#', colour: 'cyan' },
};

/** The sign and the name of a transition in its colour, padded to `width`. */
export function nameFact(type: Fact['type'], output: OutputStream, width = 0): string {
  const { unicode, ascii, colour } = signs[type];
  return output.paint[colour](`${output.isUnicode ? unicode : ascii} ${padEnd(sayWord(type), width)}`);
}

/** A sentence about a fact, on one line. */
export function describeFact(fact: Fact): string {
  return plain(wordsFor(fact));
}

function wordsFor(fact: Fact): string {
  switch (fact.type) {
    case 'queued':
      if (fact.opens !== undefined) return describeOpening(fact.opens);
      return `${describeAcceptance(fact)}${describeOrigin(fact)}${describeDelay(fact)}`;
    case 'deferred':
      return describeDeferral(fact);
    case 'debounce.closed':
    case 'debounce.joined':
      return describePart(fact);
    case 'running':
      return say('attempt {attempt} on {worker}', fact) + describeTerms(fact);
    case 'retrying':
      return describeRetry(fact);
    case 'succeeded':
      return describeSuccess(fact) + describeDestinations(fact);
    case 'failed':
      return describeEnd(fact);
    case 'delivery.started':
      return say('try {try} of the delivery to {destination}', fact);
    case 'delivery.failed':
      return say('try {try} of the delivery to {destination} failed: {reason}; the next one is due in {duration}', timed(fact));
    case 'delivery.delivered':
      return say('delivered to {destination}', fact);
    case 'delivery.dead':
      return say('the delivery to {destination} was given up: {reason}', fact);
    case 'delivery.postponed':
      return say('the delivery to {destination} waits: {reason}; it is due again in {duration}', timed(fact));
    case 'delivery.redriven':
      return say('the delivery to {destination} was redriven', fact);
    case 'delivery.dismissed':
      return say('the dead delivery to {destination} was dismissed: {note}', fact);
    case 'notified':
      return say('all deliveries are settled');
    case 'redriven':
      return say('runs again as {id}', { id: fact.redrive });
    case 'batch.sealed':
      return say('no further member is awaited: {reason}', { reason: say(sealReasons[fact.reason]) });
  }
}

/** The values of a sentence about a fact with a due time. */
function timed<Timed extends { at: number; dueAt: number }>(fact: Timed): Timed & { duration: string } {
  return { ...fact, duration: formatDuration(fact.dueAt - fact.at) };
}

const sealReasons = {
  ended: 'the input has ended',
  person: 'a person sealed the batch',
  canceled: 'the batch was cancelled',
  abandoned: 'nobody sealed the batch in time',
} as const satisfies Record<FactOf<'batch.sealed'>['reason'], string>;

function describeOpening({ batch, onComplete = [], redriveOf }: OpensBatch): string {
  const again = redriveOf === undefined ? '' : say('; runs failed members of batch {batch} again', { batch: redriveOf });
  const destinations = onComplete.map(({ id }) => id).join(', ');
  const told = onComplete.length === 0 ? '' : say('; {destinations} will be told', { destinations });
  return `${say('batch {batch} was opened', { batch })}${again}${told}`;
}

function describeAcceptance({ synchronous, qualifier }: FactOf<'queued'>): string {
  const accepted = synchronous ? say('accepted as a synchronous call') : say('accepted');
  return qualifier === 'latest' ? accepted : say('{accepted} for {qualifier}', { accepted, qualifier });
}

function describeOrigin({ lineage, redriveOf, schedule, batch }: FactOf<'queued'>): string {
  if (schedule !== undefined) {
    const { name, at } = schedule;
    return at === undefined
      ? say('; schedule {name}', { name })
      : say('; schedule {name} at {time}', { name, time: new Date(at).toISOString() });
  }
  const member = batch === undefined ? '' : say('; member of batch {batch}', { batch });
  const again = `${redriveOf === undefined ? '' : say('; runs {id} again', { id: redriveOf })}${member}`;
  return lineage === undefined ? again : again + say('; hop {hop} of the chain of {root}, started by {parent}', lineage);
}

function describeDeferral({ at, flow: { pool, key, priority, rate, debounce } }: FactOf<'deferred'>): string {
  if (debounce !== undefined)
    return say('waits for further requests, with the key {key}, until none has come for {duration}', {
      key: quote(key),
      duration: formatDuration(debounce.waitInMs),
    });
  if (rate === undefined) {
    const text =
      key === ''
        ? say('waits for a slot of {pool}', { pool })
        : say('waits for a slot of {pool}, with the key {key}', { pool, key: quote(key) });
    return priority === undefined ? text : say('{text}, with the priority {priority}', { text, priority });
  }
  const { limit, perInMs, dueAt } = rate;
  const values = { pool, limit, period: formatDuration(perInMs), duration: formatDuration(Math.max(0, dueAt - at)) };
  if (key === '') return say('waits for the rate of {pool}: {limit} in {period}, the next one in {duration}', values);
  const text = 'waits for the rate of {pool}, with the key {key}: {limit} in {period}, the next one in {duration}';
  return say(text, { ...values, key: quote(key) });
}

function describeDelay({ at, dueAt }: FactOf<'queued'>): string {
  return dueAt === undefined ? '' : say('; the first attempt is due in {duration}', { duration: formatDuration(dueAt - at) });
}

function describeRetry(fact: FactOf<'retrying'>): string {
  const values = { attempt: fact.attempt, failure: describeFailure(fact.failure), duration: timed(fact).duration };
  return say('attempt {attempt} {failure}; the next one is due in {duration}', values);
}

function describePart(fact: FactOf<'debounce.closed'> | FactOf<'debounce.joined'>): string {
  if (fact.type === 'debounce.closed')
    return say('its debounce ended: it runs for {count} other requests too', { count: fact.members.length });
  const { invocation: leader } = fact.leader;
  return fact.keep === 'all' ? say('runs as a part of {leader}', { leader }) : say('superseded by {leader}', { leader });
}

function describeSuccess(fact: FactOf<'succeeded'>): string {
  const payload = describePayload(fact);
  if (fact.leader !== undefined) return say('{leader} returned {payload}', { leader: fact.leader, payload });
  if (fact.attempt === 0) return say('all members are over: {payload}', { payload });
  return say('attempt {attempt} returned {payload}', { attempt: fact.attempt, payload });
}

/** The failure of an attempt, as the end of a sentence about the attempt. */
export function describeFailure({ kind, errorType, message }: Failure): string {
  switch (kind) {
    case 'function':
      return say('failed: {type}: {message}', { type: errorType, message });
    case 'platform':
      return say('could not run: {message}', { message });
    case 'lost':
      return say('was lost with its worker: {message}', { message });
  }
}

function describeTerms({ terms }: FactOf<'running'>): string {
  if (terms === undefined) return '';
  const { revision, timeoutInMs, maxRetries } = terms;
  const retries = maxRetries === 0 ? say('no retry') : sayCount(maxRetries, ['at most {count} retry', 'at most {count} retries']);
  return say(', revision {revision}, up to {timeout}, {retries}', { revision, timeout: formatDuration(timeoutInMs), retries });
}

function describePayload({ payload, droppedBytes, stored }: FactOf<'succeeded'>): string {
  if (stored !== undefined) return say('{count} bytes, which are stored beside the log', { count: droppedBytes ?? 0 });
  if (droppedBytes !== undefined) return say('{count} bytes, more than the log keeps: the result is empty', { count: droppedBytes });
  if (payload === '') return say('nothing');
  return payload.length <= 80 ? payload : say('{count} bytes', { count: Buffer.byteLength(payload) });
}

function describeEnd(fact: FactOf<'failed'>): string {
  const { attempt, condition, failure } = fact;
  const end =
    condition === 'UnhandledInvocationError'
      ? say('{condition}: attempt {attempt} {failure}', { condition, attempt, failure: describeFailure(failure) })
      : say('{condition}: {message}', { condition, message: failure.message });
  return end + describeDestinations(fact);
}

function describeDestinations({ destinations = [], notSent = [] }: Outcome): string {
  const named = destinations.map(({ id, param }) => `${id} ${param}`).join(', ');
  const sent = destinations.length === 0 ? '' : say('; destinations: {destinations}', { destinations: named });
  return sent + notSent.map(describeNotSent).join('');
}

function describeNotSent({ id, when, undecidable }: NonNullable<Outcome['notSent']>[number]): string {
  const values = { destination: id, when: whenTextInWords(when) };
  if (undecidable === undefined) return say('; not sent to {destination}: when {when} does not hold', values);
  return say('; not sent to {destination}: when {when} cannot be decided: {why}', { ...values, why: undecidable });
}
