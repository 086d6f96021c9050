import type { FactOf } from '#machines/facts.ts';
import { formatDuration } from '#src/core/text/format-duration.ts';
import { failureSummary, messageText } from '../../parts/failure-summary.ts';
import type { IconName } from '../../parts/icon.tsx';
import { type Appearance, appearanceOf } from '../../parts/state-badge.tsx';
import { t } from '../../shell/language.ts';
import type { NamedEvent } from '../named-events.ts';
import { lanesOf } from './lanes.ts';

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
    const text = is_refused ? t('refused by the machine: it changed nothing') : describe(event);
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
        return {
          name: event,
          names: [startEvent, event],
          at: from,
          tone,
          icon,
          title: id === '' ? label : t('{destination}, {what}', { destination: id, what: label }),
          text: note,
        };
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

function describeAcceptance({ function: name, qualifier, synchronous, redriveOf, at, dueAt }: FactOf<'queued'>): string {
  const target = qualifier === 'latest' ? name : `${name}:${qualifier}`;
  const accepted = synchronous ? t('accepted as a synchronous call for {target}', { target }) : t('accepted for {target}', { target });
  if (dueAt !== undefined) return t('{accepted}, due after {duration}', { accepted, duration: formatDuration(dueAt - at) });
  return redriveOf === undefined ? accepted : t('{accepted}, redrives {id}', { accepted, id: redriveOf });
}

function describePart(fact: FactOf<'debounce.closed'> | FactOf<'debounce.joined'>): string {
  if (fact.type === 'debounce.closed') return t('the debounce ended; runs for {count} other requests too', { count: fact.members.length });
  const { invocation: id } = fact.leader;
  return fact.keep === 'all' ? t('runs as a part of {id}', { id }) : t('superseded by {id}', { id });
}

function describeDeferral(fact: FactOf<'deferred'>): string {
  if (fact.flow.debounce !== undefined) return t('waits for further requests, with the key {key}', fact.flow);
  if (fact.flow.rate === undefined && fact.flow.key === '') return t('waits for a slot of {pool}', fact.flow);
  return fact.flow.rate === undefined
    ? t('waits for a slot of {pool}, with the key {key}', fact.flow)
    : t('waits for the rate of {pool}: {limit} in {duration}', {
        ...fact.flow,
        limit: fact.flow.rate.limit,
        duration: formatDuration(fact.flow.rate.perInMs),
      });
}

/** An event in one line. */
function describe({ fact }: NamedEvent): string {
  switch (fact.type) {
    case 'queued':
      return fact.opens === undefined ? describeAcceptance(fact) : t('batch {batch} was opened', { batch: fact.opens.batch });
    case 'batch.sealed':
      return t('no further member is awaited');
    case 'running':
      return t('attempt {attempt} on {worker}', fact);
    case 'retrying':
      return t('attempt {attempt} is due after {duration}; {failure}', {
        attempt: fact.attempt + 1,
        duration: formatDuration(Math.max(0, fact.dueAt - fact.at)),
        failure: failureSummary(fact.failure.message),
      });
    case 'debounce.closed':
    case 'debounce.joined':
      return describePart(fact);
    case 'deferred':
      return describeDeferral(fact);
    case 'succeeded':
      return t('attempt {attempt} returned {payload}', {
        attempt: fact.attempt,
        payload: fact.payload === '' ? t('nothing') : fact.payload.slice(0, 120),
      });
    case 'failed':
      return `${fact.condition}: ${failureSummary(fact.failure.message)}`;
    case 'delivery.started':
      return t('{destination}, try {try}', fact);
    case 'delivery.failed':
      return t('{destination}, try {try}: {reason}', { ...fact, reason: messageText(fact.reason) });
    case 'delivery.delivered':
      return t('{destination}, delivered by try {try}', fact);
    case 'delivery.dead':
      return `${fact.destination}: ${messageText(fact.reason)}`;
    case 'delivery.postponed':
      return t('{destination} waits: {reason}', fact);
    case 'delivery.redriven':
      return t('{destination} is tried again', fact);
    case 'delivery.dismissed':
      return t('{destination} was dismissed: {note}', fact);
    case 'notified':
      return t('every delivery is settled');
    case 'redriven':
      return t('as {redrive}', fact);
  }
}
