import { formatDuration } from '#src/core/text/format-duration.ts';
import { failureWords } from '../parts/failure-words.ts';
import type { IconName } from '../parts/icon.tsx';
import { type Look, lookOf } from '../parts/state.tsx';
import { lanesOf } from './lanes.ts';
import type { NamedEvent } from './use-invocation.ts';

/** A line of the list of events. */
export type EventLine = {
  /** The event that it leads to. */
  name: string;
  /** All events that it stands for. */
  names: readonly string[];
  at: number;
  tone: Look['tone'];
  icon: IconName;
  title: string;
  words: string;
};

/** One line for each event. */
export function allLines(events: readonly NamedEvent[]): EventLine[] {
  return events.map((event) => {
    const { name, at, type, is_refused } = event;
    const words = is_refused ? 'the machine refuses it: it changed nothing' : wordsFor(event);
    return { name, names: [name], at, title: type, words, ...signOf(lookOf(type)) };
  });
}

/** One line for each attempt and for each try of a delivery, as the timeline has a bar for it, and for what is neither. */
export function compactLines(events: readonly NamedEvent[]): EventLine[] {
  const bars = lanesOf(events).flatMap(({ id, stretches }) =>
    stretches
      .filter(({ kind }) => kind !== 'wait')
      .map(({ event, begin, from, label, note, tone }): EventLine => {
        const icon = tone === 'succeeded' || tone === 'failed' ? tone : 'running';
        return { name: event, names: [begin, event], at: from, tone, icon, title: id === '' ? label : `${id}, ${label}`, words: note };
      }),
  );
  const told = new Set(bars.flatMap(({ names }) => names));
  const others = allLines(events.filter(({ name }) => !told.has(name)));
  return [...bars, ...others].sort((one, other) => one.at - other.at || order(one) - order(other));
}

/** Within a millisecond the log decides. */
function order({ names: [first = '0'] }: EventLine): number {
  return Number(first);
}

function signOf({ tone, icon }: Look): Pick<EventLine, 'tone' | 'icon'> {
  return { tone, icon };
}

/** What happened, on one line. */
function wordsFor({ fact }: NamedEvent): string {
  switch (fact.type) {
    case 'queued':
      return `accepted for ${fact.function}${fact.qualifier === 'latest' ? '' : `:${fact.qualifier}`}${fact.redriveOf === undefined ? '' : `, runs ${fact.redriveOf} again`}`;
    case 'running':
      return `attempt ${fact.attempt} on ${fact.worker}`;
    case 'retrying':
      return `attempt ${fact.attempt + 1} is due after ${formatDuration(Math.max(0, fact.dueAt - fact.at))}; ${failureWords(fact.failure.message)}`;
    case 'succeeded':
      return `attempt ${fact.attempt} returned ${fact.payload === '' ? 'nothing' : fact.payload.slice(0, 120)}`;
    case 'failed':
      return `${fact.condition}: ${failureWords(fact.failure.message)}`;
    case 'delivery.started':
      return `${fact.destination}, try ${fact.try}`;
    case 'delivery.failed':
      return `${fact.destination}, try ${fact.try}: ${fact.reason}`;
    case 'delivery.delivered':
      return `${fact.destination} was told by try ${fact.try}`;
    case 'delivery.dead':
      return `${fact.destination}: ${fact.reason}`;
    case 'delivery.redriven':
      return `${fact.destination} is to be told after all`;
    case 'notified':
      return 'everybody was told';
    case 'redriven':
      return `runs again as ${fact.redrive}`;
  }
}
