import { formatDuration } from '#src/core/text/format-duration.ts';
import { failureSummary } from '../parts/failure-summary.ts';
import type { IconName } from '../parts/icon.tsx';
import { type Appearance, appearanceOf } from '../parts/state-badge.tsx';
import { lanesOf } from './lanes.ts';
import type { NamedEvent } from './use-invocation.ts';

/** A line of the list of events. It stands for one event, or for an attempt or a try with several. */
export type EventLine = {
  /** The event that a click selects. */
  name: string;
  /** All events of the line. */
  names: readonly string[];
  at: number;
  tone: Appearance['tone'];
  icon: IconName;
  title: string;
  text: string;
};

/** One line for each event. */
export function allLines(events: readonly NamedEvent[]): EventLine[] {
  return events.map((event) => {
    const { name, at, type, is_refused } = event;
    const text = is_refused ? 'refused by the machine: it changed nothing' : describe(event);
    return { name, names: [name], at, title: type, text, ...iconOf(appearanceOf(type)) };
  });
}

/** One line for each bar of the timeline, that is each attempt and each try, and one for each event outside of the bars. */
export function compactLines(events: readonly NamedEvent[]): EventLine[] {
  const bars = lanesOf(events).flatMap(({ id, spans }) =>
    spans
      .filter(({ kind }) => kind !== 'wait')
      .map(({ event, startEvent, from, label, note, tone }): EventLine => {
        const icon = tone === 'succeeded' || tone === 'failed' ? tone : 'running';
        return { name: event, names: [startEvent, event], at: from, tone, icon, title: id === '' ? label : `${id}, ${label}`, text: note };
      }),
  );
  const covered = new Set(bars.flatMap(({ names }) => names));
  const others = allLines(events.filter(({ name }) => !covered.has(name)));
  return [...bars, ...others].sort((one, other) => one.at - other.at || sequenceOf(one) - sequenceOf(other));
}

/** Events of the same millisecond are ordered by their sequence in the log. */
function sequenceOf({ names: [first = '0'] }: EventLine): number {
  return Number(first);
}

function iconOf({ tone, icon }: Appearance): Pick<EventLine, 'tone' | 'icon'> {
  return { tone, icon };
}

/** An event in one line. */
function describe({ fact }: NamedEvent): string {
  switch (fact.type) {
    case 'queued':
      return `accepted for ${fact.function}${fact.qualifier === 'latest' ? '' : `:${fact.qualifier}`}${fact.redriveOf === undefined ? '' : `, redrives ${fact.redriveOf}`}`;
    case 'running':
      return `attempt ${fact.attempt} on ${fact.worker}`;
    case 'retrying':
      return `attempt ${fact.attempt + 1} is due after ${formatDuration(Math.max(0, fact.dueAt - fact.at))}; ${failureSummary(fact.failure.message)}`;
    case 'succeeded':
      return `attempt ${fact.attempt} returned ${fact.payload === '' ? 'nothing' : fact.payload.slice(0, 120)}`;
    case 'failed':
      return `${fact.condition}: ${failureSummary(fact.failure.message)}`;
    case 'delivery.started':
      return `${fact.destination}, try ${fact.try}`;
    case 'delivery.failed':
      return `${fact.destination}, try ${fact.try}: ${fact.reason}`;
    case 'delivery.delivered':
      return `${fact.destination}, delivered by try ${fact.try}`;
    case 'delivery.dead':
      return `${fact.destination}: ${fact.reason}`;
    case 'delivery.postponed':
      return `${fact.destination} waits: ${fact.reason}`;
    case 'delivery.redriven':
      return `${fact.destination} is tried again`;
    case 'notified':
      return 'every delivery is settled';
    case 'redriven':
      return `as ${fact.redrive}`;
  }
}
