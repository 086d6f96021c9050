import type { Fact, FactOf } from '#machines/facts.ts';
import { formatDuration } from '#src/core/text/format-duration.ts';
import { describeFailure } from './facts-in-words.ts';

/** A stretch of an invocation's life: where its time went. */
export type Span = {
  kind: 'queued' | 'attempt' | 'wait' | 'delivery';
  label: string;
  from: number;
  to: number;
  /** How it ended, or that it has not. */
  end: 'succeeded' | 'failed' | 'over' | 'open';
  note: string;
};

type Open = Pick<Span, 'kind' | 'label' | 'from' | 'note'>;

/**
 * Turns the transitions of an invocation into stretches of time, by when they begin. What has not ended reaches until `now`.
 *
 * The moments come from the clocks of several machines: a stretch that would end before it begins has no length.
 */
export function spansOf(facts: readonly Fact[], now: number): Span[] {
  const spans: Span[] = [];
  // The invocation itself, and each of its deliveries, is in one stretch at a time.
  const open = new Map<string, Open>();
  const close = (lane: string, at: number, { end, note }: Ending): void => {
    const begun = open.get(lane);
    if (begun === undefined) return;
    spans.push({ ...begun, to: Math.max(begun.from, at), end, note: note ?? begun.note });
    open.delete(lane);
  };
  for (const fact of facts) {
    const lane = 'destination' in fact ? fact.destination : '';
    close(lane, fact.at, endingBy(fact));
    const opened = openedBy(fact);
    if (opened !== undefined) open.set(lane, opened);
  }
  for (const lane of [...open.keys()]) close(lane, now, { end: 'open' });
  // What takes no time tells nothing, but for an attempt.
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
      return { end: 'succeeded', note: `${fact.destination} was told` };
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
      return { kind: 'queued', label: 'queued', from: fact.at, note: 'waiting for a worker' };
    case 'running':
      return { kind: 'attempt', label: `attempt ${fact.attempt}`, from: fact.at, note: `running on ${fact.worker}` };
    case 'retrying':
      return { kind: 'wait', label: 'wait', from: fact.at, note: describeWait(fact) };
    case 'delivery.failed':
      return { kind: 'wait', label: 'wait', from: fact.at, note: `until ${fact.destination} is tried again` };
    case 'delivery.redriven':
      return { kind: 'wait', label: 'wait', from: fact.at, note: `until ${fact.destination} is tried again` };
    case 'delivery.started':
      return { kind: 'delivery', label: `delivery ${fact.try}`, from: fact.at, note: `telling ${fact.destination}` };
    case 'succeeded':
    case 'failed':
      return { kind: 'queued', label: 'telling', from: fact.at, note: 'until everybody was told' };
    default:
      return undefined;
  }
}

function describeWait({ at, dueAt, attempt }: FactOf<'retrying'>): string {
  return `until attempt ${attempt + 1}, due after ${formatDuration(dueAt - at)}`;
}
