import type { Fact, FactOf, Failure, OpensBatch, Outcome } from '#machines/facts.ts';
import { plural } from '#src/cli/print/format.ts';
import { whenTextInWords } from '#src/core/functions/when-in-words.ts';
import { quote } from '#src/core/names/names.ts';
import { formatDuration } from '#src/core/text/format-duration.ts';
import { type OutputStream, type Paint, plain } from './terminal.ts';

type Sign = {
  unicode: string;
  ascii: string;
  colour: keyof Pick<Paint, 'cyan' | 'blue' | 'yellow' | 'green' | 'red' | 'magenta' | 'gray'>;
};

/** The sign and colour of each transition. Colour is never the only difference. */
const signs: Record<Fact['type'], Sign> = {
  queued: { unicode: '○', ascii: 'o', colour: 'cyan' },
  deferred: { unicode: '⏸', ascii: '~', colour: 'yellow' },
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
  return output.paint[colour](`${output.isUnicode ? unicode : ascii} ${type.padEnd(width)}`);
}

/** A sentence about a fact, on one line. */
export function describeFact(fact: Fact): string {
  return plain(wordsFor(fact));
}

function wordsFor(fact: Fact): string {
  switch (fact.type) {
    case 'queued':
      if (fact.opens !== undefined) return describeOpening(fact.opens);
      return `accepted${fact.synchronous ? ' as a synchronous call' : ''}${fact.qualifier === 'latest' ? '' : ` for ${fact.qualifier}`}${describeOrigin(fact)}${describeDelay(fact)}`;
    case 'deferred':
      return describeDeferral(fact);
    case 'running':
      return `attempt ${fact.attempt} on ${fact.worker}${describeTerms(fact)}`;
    case 'retrying':
      return `attempt ${fact.attempt} ${describeFailure(fact.failure)}; the next one is due in ${formatDuration(fact.dueAt - fact.at)}`;
    case 'succeeded':
      if (fact.attempt === 0) return `all members are over: ${describePayload(fact)}${describeDestinations(fact)}`;
      return `attempt ${fact.attempt} returned ${describePayload(fact)}${describeDestinations(fact)}`;
    case 'failed':
      return describeEnd(fact);
    case 'delivery.started':
      return `try ${fact.try} of the delivery to ${fact.destination}`;
    case 'delivery.failed':
      return `try ${fact.try} of the delivery to ${fact.destination} failed: ${fact.reason}; the next one is due in ${formatDuration(fact.dueAt - fact.at)}`;
    case 'delivery.delivered':
      return `delivered to ${fact.destination}`;
    case 'delivery.dead':
      return `the delivery to ${fact.destination} was given up: ${fact.reason}`;
    case 'delivery.postponed':
      return `the delivery to ${fact.destination} waits: ${fact.reason}; it is due again in ${formatDuration(fact.dueAt - fact.at)}`;
    case 'delivery.redriven':
      return `the delivery to ${fact.destination} was redriven`;
    case 'delivery.dismissed':
      return `the dead delivery to ${fact.destination} was dismissed: ${fact.note}`;
    case 'notified':
      return 'all deliveries are settled';
    case 'redriven':
      return `runs again as ${fact.redrive}`;
    case 'batch.sealed':
      return `no further member is awaited: ${sealReasons[fact.reason]}`;
  }
}

const sealReasons: Record<FactOf<'batch.sealed'>['reason'], string> = {
  ended: 'the input has ended',
  person: 'a person sealed the batch',
  canceled: 'the batch was cancelled',
  abandoned: 'nobody sealed the batch in time',
};

function describeOpening({ batch, onComplete = [], redriveOf }: OpensBatch): string {
  const again = redriveOf === undefined ? '' : `; runs failed members of batch ${redriveOf} again`;
  const told = onComplete.length === 0 ? '' : `; ${onComplete.map(({ id }) => id).join(', ')} will be told`;
  return `batch ${batch} was opened${again}${told}`;
}

function describeOrigin({ lineage, redriveOf, schedule, batch }: FactOf<'queued'>): string {
  if (schedule !== undefined)
    return `; schedule ${schedule.name}${schedule.at === undefined ? '' : ` at ${new Date(schedule.at).toISOString()}`}`;
  const member = batch === undefined ? '' : `; member of batch ${batch}`;
  const again = `${redriveOf === undefined ? '' : `; runs ${redriveOf} again`}${member}`;
  if (lineage === undefined) return again;
  return `${again}; hop ${lineage.hop} of the chain of ${lineage.root}, started by ${lineage.parent}`;
}

function describeDeferral({ at, flow: { pool, key, rate } }: FactOf<'deferred'>): string {
  const withKey = key === '' && rate !== undefined ? '' : `, with the key ${quote(key)}`;
  if (rate === undefined) return `waits for a slot of ${pool}${withKey}`;
  const inMs = Math.max(0, rate.dueAt - at);
  return `waits for the rate of ${pool}${withKey}: ${rate.limit} in ${formatDuration(rate.perInMs)}, the next one in ${formatDuration(inMs)}`;
}

function describeDelay({ at, dueAt }: FactOf<'queued'>): string {
  return dueAt === undefined ? '' : `; the first attempt is due in ${formatDuration(dueAt - at)}`;
}

/** The failure of an attempt, as the end of a sentence about the attempt. */
export function describeFailure({ kind, errorType, message }: Failure): string {
  switch (kind) {
    case 'function':
      return `failed: ${errorType}: ${message}`;
    case 'platform':
      return `could not run: ${message}`;
    case 'lost':
      return `was lost with its worker: ${message}`;
  }
}

function describeTerms({ terms }: FactOf<'running'>): string {
  if (terms === undefined) return '';
  const { revision, timeoutInMs, maxRetries } = terms;
  return `, revision ${revision}, up to ${formatDuration(timeoutInMs)}, ${maxRetries === 0 ? 'no retry' : `at most ${plural(maxRetries, 'retry', 'retries')}`}`;
}

function describePayload({ payload, droppedBytes, stored }: FactOf<'succeeded'>): string {
  if (stored !== undefined) return `${droppedBytes} bytes, which are stored beside the log`;
  if (droppedBytes !== undefined) return `${droppedBytes} bytes, more than the log keeps: the result is empty`;
  if (payload === '') return 'nothing';
  return payload.length <= 80 ? payload : `${Buffer.byteLength(payload)} bytes`;
}

function describeEnd(fact: FactOf<'failed'>): string {
  const { attempt, condition, failure } = fact;
  if (condition !== 'UnhandledInvocationError') return `${condition}: ${failure.message}${describeDestinations(fact)}`;
  return `${condition}: attempt ${attempt} ${describeFailure(failure)}${describeDestinations(fact)}`;
}

function describeDestinations({ destinations = [], notSent = [] }: Outcome): string {
  const sent = destinations.length === 0 ? '' : `; destinations: ${destinations.map(({ id, param }) => `${id} ${param}`).join(', ')}`;
  return sent + notSent.map(describeNotSent).join('');
}

function describeNotSent({ id, when, undecidable }: NonNullable<Outcome['notSent']>[number]): string {
  const why = undecidable === undefined ? 'does not hold' : `cannot be decided: ${undecidable}`;
  return `; not sent to ${id}: when ${whenTextInWords(when)} ${why}`;
}
