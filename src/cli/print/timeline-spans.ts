import type { Fact, FactOf } from '#machines/facts.ts';
import { say, sayWord } from '#src/cli/texts/say.ts';
import { quote } from '#src/core/names/names.ts';
import { formatDuration } from '#src/core/text/format-duration.ts';
import { describeFailure } from './facts-in-words.ts';

/** A span of time of an invocation. */
export type Span = {
  kind: 'queued' | 'attempt' | 'wait' | 'delivery';
  label: string;
  from: number;
  to: number;
  /** The result of the span; `open` when it has not ended. */
  end: 'succeeded' | 'failed' | 'over' | 'open';
  note: string;
};

/** `next`: the span that follows at its start, if this one lasts until then. */
type Open = Pick<Span, 'kind' | 'label' | 'from' | 'note'> & { next?: Open };

/**
 * Turns the transitions of an invocation into spans, sorted by their start. An open span reaches until `now`. `waitsFor` says why the
 * invocation waits now, in a few words.
 *
 * The times come from the clocks of several machines. A span that would end before its start has no length.
 */
export function spansOf(facts: readonly Fact[], now: number, waitsFor?: string): Span[] {
  const spans: Span[] = [];
  // The invocation itself and each of its deliveries have one open span at a time.
  const open = new Map<string, Open>();
  const close = (lane: string, at: number, { end, note }: Ending): void => {
    const first = open.get(lane);
    if (first === undefined) return;
    const { next, ...delay } = first;
    const isOver = next !== undefined && at >= next.from;
    if (isOver) spans.push({ ...delay, to: next.from, end: 'over' });
    const span = isOver ? next : delay;
    spans.push({ ...span, to: Math.max(span.from, at), end, note: note ?? span.note });
    open.delete(lane);
  };
  for (const fact of facts) {
    const lane = 'destination' in fact ? fact.destination : '';
    close(lane, fact.at, endingBy(fact));
    const opened = openedBy(fact);
    if (opened !== undefined) open.set(lane, opened);
  }
  for (const [lane, { kind }] of [...open]) {
    const isWait = lane === '' && kind !== 'attempt' && waitsFor !== undefined;
    close(lane, now, isWait ? { end: 'open', note: waitsFor } : { end: 'open' });
  }
  // A span without length is left out, except for an attempt.
  return spans
    .filter(({ kind, from, to, end }) => kind === 'attempt' || to > from || end === 'open')
    .sort((one, other) => one.from - other.from);
}

type Ending = { end: Span['end']; note?: string };

function endingBy(fact: Fact): Ending {
  switch (fact.type) {
    case 'succeeded':
      return { end: 'succeeded', note: sayWord('succeeded') };
    case 'delivery.delivered':
      return { end: 'succeeded', note: say('delivered to {destination}', fact) };
    case 'failed':
      return { end: 'failed', note: fact.condition === 'UnhandledInvocationError' ? describeFailure(fact.failure) : fact.condition };
    case 'retrying':
      return { end: 'failed', note: describeFailure(fact.failure) };
    case 'delivery.failed':
    case 'delivery.dead':
      return { end: 'failed', note: fact.reason };
    default:
      return { end: 'over' };
  }
}

function openedBy(fact: Fact): Open | undefined {
  switch (fact.type) {
    case 'queued':
      return openedByRequest(fact);
    case 'deferred':
      return { kind: 'wait', label: labelOfDeferral(fact), from: fact.at, note: describeDeferral(fact) };
    case 'debounce.closed':
      return { kind: 'queued', label: sayWord('queued'), from: fact.at, note: say('waiting for an attempt') };
    case 'debounce.joined':
      return { kind: 'wait', label: say('wait'), from: fact.at, note: say('until {id} is over', { id: fact.leader.invocation }) };
    case 'running':
      return { kind: 'attempt', label: say('attempt {attempt}', fact), from: fact.at, note: say('running on {worker}', fact) };
    case 'retrying':
      return { kind: 'wait', label: say('wait'), from: fact.at, note: describeWait(fact) };
    case 'delivery.failed':
      return { kind: 'wait', label: say('wait'), from: fact.at, note: say('until {destination} is tried again', fact) };
    case 'delivery.postponed':
      return { kind: 'wait', label: say('wait'), from: fact.at, note: say('postponed: {reason}', fact) };
    case 'delivery.redriven':
      return { kind: 'wait', label: say('wait'), from: fact.at, note: say('until {destination} is tried again', fact) };
    case 'delivery.started':
      return { kind: 'delivery', label: say('delivery {try}', fact), from: fact.at, note: say('delivering to {destination}', fact) };
    case 'succeeded':
    case 'failed':
      return { kind: 'queued', label: sayWord('delivering'), from: fact.at, note: say('until all deliveries are settled') };
    default:
      return undefined;
  }
}

function labelOfDeferral({ flow: { debounce } }: FactOf<'deferred'>): string {
  return debounce === undefined ? sayWord('deferred') : say('debounced');
}

function describeDeferral({ flow: { key, rate, debounce } }: FactOf<'deferred'>): string {
  if (debounce !== undefined) return say('for further requests of the key {key}', { key: quote(key) });
  if (rate === undefined && key === '') return say('until a slot is free');
  if (rate === undefined) return say('until a slot of the key {key} is free', { key: quote(key) });
  const values = { limit: rate.limit, duration: formatDuration(rate.perInMs) };
  if (key === '') return say('for its rate, {limit} in {duration}', values);
  return say('for its rate, {limit} in {duration} for the key {key}', { ...values, key: quote(key) });
}

function openedByRequest({ at, dueAt = at }: FactOf<'queued'>): Open {
  const queued: Open = { kind: 'queued', label: sayWord('queued'), from: dueAt, note: say('waiting for an attempt') };
  if (dueAt === at) return queued;
  const note = say('until it is due after {duration}', { duration: formatDuration(dueAt - at) });
  return { kind: 'wait', label: say('delayed'), from: at, note, next: queued };
}

function describeWait({ at, dueAt, attempt }: FactOf<'retrying'>): string {
  return say('until attempt {attempt}, due after {duration}', { attempt: attempt + 1, duration: formatDuration(dueAt - at) });
}
