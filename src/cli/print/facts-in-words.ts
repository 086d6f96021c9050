import type { Fact, FactOf, Failure, Outcome } from '#machines/facts.ts';
import { plural } from '#src/cli/print/format.ts';
import { formatDuration } from '#src/core/text/format-duration.ts';
import { type OutputStream, type Paint, plain } from './terminal.ts';

type Sign = {
  unicode: string;
  ascii: string;
  colour: keyof Pick<Paint, 'cyan' | 'blue' | 'yellow' | 'green' | 'red' | 'magenta' | 'gray'>;
};

/** How each transition looks. Colour is never the only sign. */
const signs: Record<Fact['type'], Sign> = {
  queued: { unicode: '○', ascii: 'o', colour: 'cyan' },
  running: { unicode: '▶', ascii: '>', colour: 'blue' },
  retrying: { unicode: '↻', ascii: '~', colour: 'yellow' },
  succeeded: { unicode: '✔', ascii: '+', colour: 'green' },
  failed: { unicode: '✖', ascii: 'x', colour: 'red' },
  'delivery.started': { unicode: '▷', ascii: '>', colour: 'blue' },
  'delivery.failed': { unicode: '↻', ascii: '~', colour: 'yellow' },
  'delivery.delivered': { unicode: '✓', ascii: '+', colour: 'green' },
  'delivery.dead': { unicode: '✗', ascii: 'x', colour: 'red' },
  'delivery.redriven': { unicode: '↺', ascii: '~', colour: 'magenta' },
  notified: { unicode: '■', ascii: '=', colour: 'gray' },
  redriven: { unicode: '↺', ascii: '~', colour: 'magenta' },
};

/** The sign and the name of a transition, in its colour, as wide as `width`. */
export function nameFact(type: Fact['type'], output: OutputStream, width = 0): string {
  const { unicode, ascii, colour } = signs[type];
  return output.paint[colour](`${output.isUnicode ? unicode : ascii} ${type.padEnd(width)}`);
}

/** What happened, in words, on one line. */
export function describeFact(fact: Fact): string {
  return plain(wordsFor(fact));
}

function wordsFor(fact: Fact): string {
  switch (fact.type) {
    case 'queued':
      return `accepted${fact.qualifier === 'latest' ? '' : ` for ${fact.qualifier}`}${describeOrigin(fact)}`;
    case 'running':
      return `attempt ${fact.attempt} on ${fact.worker}${describeTerms(fact)}`;
    case 'retrying':
      return `attempt ${fact.attempt} ${describeFailure(fact.failure)}; the next one is due in ${formatDuration(fact.dueAt - fact.at)}`;
    case 'succeeded':
      return `attempt ${fact.attempt} returned ${describePayload(fact)}${describeDestinations(fact)}`;
    case 'failed':
      return describeEnd(fact);
    case 'delivery.started':
      return `try ${fact.try} to tell ${fact.destination}`;
    case 'delivery.failed':
      return `try ${fact.try} to tell ${fact.destination} failed: ${fact.reason}; the next one is due in ${formatDuration(fact.dueAt - fact.at)}`;
    case 'delivery.delivered':
      return `${fact.destination} was told`;
    case 'delivery.dead':
      return `${fact.destination} was given up: ${fact.reason}`;
    case 'delivery.redriven':
      return `${fact.destination} is to be told again: somebody asked for it`;
    case 'notified':
      return 'nobody is left to be told';
    case 'redriven':
      return `runs again as ${fact.redrive}`;
  }
}

function describeOrigin({ lineage, redriveOf }: FactOf<'queued'>): string {
  const again = redriveOf === undefined ? '' : `; runs ${redriveOf} again`;
  if (lineage === undefined) return again;
  return `${again}; hop ${lineage.hop} of the chain that began with ${lineage.root}, told by ${lineage.parent}`;
}

/** What went wrong in an attempt, as the end of a sentence about it. */
export function describeFailure({ kind, errorType, message }: Failure): string {
  switch (kind) {
    case 'function':
      return `failed: ${errorType}: ${message}`;
    case 'platform':
      return `could not be run: ${message}`;
    case 'lost':
      return `was lost with its worker: ${message}`;
  }
}

function describeTerms({ terms }: FactOf<'running'>): string {
  if (terms === undefined) return '';
  const { revision, timeoutInMs, maxRetries } = terms;
  return `, revision ${revision}, up to ${formatDuration(timeoutInMs)}, ${maxRetries === 0 ? 'no retry' : `at most ${plural(maxRetries, 'retry', 'retries')}`}`;
}

function describePayload({ payload, droppedBytes }: FactOf<'succeeded'>): string {
  if (droppedBytes !== undefined) return `${droppedBytes} bytes, more than is kept: the result is empty`;
  if (payload === '') return 'nothing';
  return payload.length <= 80 ? payload : `${Buffer.byteLength(payload)} bytes`;
}

function describeEnd(fact: FactOf<'failed'>): string {
  const { attempt, condition, failure } = fact;
  if (condition !== 'UnhandledInvocationError') return `${condition}: ${failure.message}${describeDestinations(fact)}`;
  return `${condition}: attempt ${attempt} ${describeFailure(failure)}${describeDestinations(fact)}`;
}

function describeDestinations({ destinations = [] }: Outcome): string {
  if (destinations.length === 0) return '';
  return `; to be told: ${destinations.map(({ id, param }) => `${id} ${param}`).join(', ')}`;
}
