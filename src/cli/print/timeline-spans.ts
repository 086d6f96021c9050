import type { Fact, FactOf } from '#machines/facts.ts';
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
      return { end: 'succeeded', note: 'succeeded' };
    case 'delivery.delivered':
      return { end: 'succeeded', note: `delivered to ${fact.destination}` };
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
      return { kind: 'wait', label: 'deferred', from: fact.at, note: describeDeferral(fact) };
    case 'running':
      return { kind: 'attempt', label: `attempt ${fact.attempt}`, from: fact.at, note: `running on ${fact.worker}` };
    case 'retrying':
      return { kind: 'wait', label: 'wait', from: fact.at, note: describeWait(fact) };
    case 'delivery.failed':
      return { kind: 'wait', label: 'wait', from: fact.at, note: `until ${fact.destination} is tried again` };
    case 'delivery.postponed':
      return { kind: 'wait', label: 'wait', from: fact.at, note: `postponed: ${fact.reason}` };
    case 'delivery.redriven':
      return { kind: 'wait', label: 'wait', from: fact.at, note: `until ${fact.destination} is tried again` };
    case 'delivery.started':
      return { kind: 'delivery', label: `delivery ${fact.try}`, from: fact.at, note: `delivering to ${fact.destination}` };
    case 'succeeded':
    case 'failed':
      return { kind: 'queued', label: 'delivering', from: fact.at, note: 'until all deliveries are settled' };
    default:
      return undefined;
  }
}

function describeDeferral({ flow: { key, rate } }: FactOf<'deferred'>): string {
  if (rate === undefined) return `until a slot of the key ${quote(key)} is free`;
  return `for its rate, ${rate.limit} in ${formatDuration(rate.perInMs)}${key === '' ? '' : ` for the key ${quote(key)}`}`;
}

function openedByRequest({ at, dueAt = at }: FactOf<'queued'>): Open {
  const queued: Open = { kind: 'queued', label: 'queued', from: dueAt, note: 'waiting for an attempt' };
  if (dueAt === at) return queued;
  return { kind: 'wait', label: 'delayed', from: at, note: `until it is due after ${formatDuration(dueAt - at)}`, next: queued };
}

function describeWait({ at, dueAt, attempt }: FactOf<'retrying'>): string {
  return `until attempt ${attempt + 1}, due after ${formatDuration(dueAt - at)}`;
}
