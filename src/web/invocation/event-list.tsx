import { formatDuration } from '#src/core/format-duration.ts';
import { CopyButton } from '../parts/copy.tsx';
import { Icon } from '../parts/icon.tsx';
import { ExactMoment } from '../parts/moment.tsx';
import { Scrollable } from '../parts/scrollable.tsx';
import { lookOf } from '../parts/state.tsx';
import { createChoice, useStore } from '../shell/store.ts';
import { Choice } from './timeline.tsx';
import type { NamedEvent } from './use-invocation.ts';

const listKind = createChoice('sequent-events', ['compact', 'all', 'JSON']);

type EventListProps = { events: readonly NamedEvent[]; shown: NamedEvent | undefined; isPresent: boolean; onEvent: (name: string) => void };

/** What is in the log about the invocation: one line for an attempt or a delivery, one for each event, or as it is stored. */
export function EventList({ events, shown, isPresent, onEvent }: EventListProps) {
  const kind = useStore(listKind);
  const rows = kind === 'compact' ? compact(events) : events;
  const first = events[0]?.at ?? 0;
  const json =
    kind === 'JSON'
      ? JSON.stringify(
          events.map(({ sequence, by, fact }) => ({ sequence, by, fact })),
          null,
          2,
        )
      : '';
  return (
    <section class="card events" aria-label="Events">
      <div class="card-head">
        <h2>Events</h2>
        <span class="hint">{events.length}</span>
        <div class="spring" />
        {kind === 'JSON' ? <CopyButton text={json} what="all events" /> : null}
        <Choice label="How events are listed" value={kind} choices={['compact', 'all', 'JSON']} onChoice={listKind.set} />
      </div>
      {kind === 'JSON' ? (
        <Scrollable class="code" label="The events as JSON">
          <pre>{json}</pre>
        </Scrollable>
      ) : (
        <ol class="event-rows">
          {rows.map((event) => (
            <EventRow key={event.name} event={event} first={first} isShown={!isPresent && event.name === shown?.name} onEvent={onEvent} />
          ))}
        </ol>
      )}
    </section>
  );
}

function EventRow({
  event,
  first,
  isShown,
  onEvent,
}: {
  event: NamedEvent;
  first: number;
  isShown: boolean;
  onEvent: (name: string) => void;
}) {
  const { tone, icon } = lookOf(event.type);
  return (
    <li>
      <button
        type="button"
        class={`event-row tone-${tone}${isShown ? ' shown' : ''}`}
        aria-pressed={isShown}
        onClick={() => onEvent(event.name)}
      >
        <span class="event-sign">
          <Icon name={icon} size={14} />
        </span>
        <span class="event-type">{event.type}</span>
        <span class="event-words">{event.is_refused ? 'the machine refuses it: it changed nothing' : wordsFor(event)}</span>
        <span class="event-time" title={`sequence ${event.sequence}`}>
          +{formatDuration(Math.max(0, event.at - first))}
        </span>
      </button>
    </li>
  );
}

/** What began is told by how it ended: one row for an attempt, and one for a delivery with all its tries. */
function compact(events: readonly NamedEvent[]): NamedEvent[] {
  const lastOf = new Map<string, string>();
  for (const event of events) {
    const group = groupOf(event);
    if (group !== undefined) lastOf.set(group, event.name);
  }
  return events.filter((event) => {
    const group = groupOf(event);
    return group === undefined || lastOf.get(group) === event.name;
  });
}

function groupOf({ fact }: NamedEvent): string | undefined {
  if ('destination' in fact) return `delivery ${fact.destination}`;
  return 'attempt' in fact && fact.attempt > 0 ? `attempt ${fact.attempt}` : undefined;
}

/** What happened, on one line. */
export function wordsFor({ fact }: NamedEvent): string {
  switch (fact.type) {
    case 'queued':
      return `accepted for ${fact.function}${fact.qualifier === 'latest' ? '' : `:${fact.qualifier}`}${fact.redriveOf === undefined ? '' : `, runs ${fact.redriveOf} again`}`;
    case 'running':
      return `attempt ${fact.attempt} on ${fact.worker}`;
    case 'retrying':
      return `attempt ${fact.attempt}: ${fact.failure.message}; the next is due after ${formatDuration(Math.max(0, fact.dueAt - fact.at))}`;
    case 'succeeded':
      return `attempt ${fact.attempt} returned ${fact.payload === '' ? 'nothing' : fact.payload.slice(0, 120)}`;
    case 'failed':
      return `${fact.condition}: ${fact.failure.message}`;
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

/** All that the log says about one event. */
export function EventDetails({ event }: { event: NamedEvent }) {
  const { type: _, invocation: __, at: ___, ...rest } = event.fact;
  return (
    <section class="card event-details" aria-label="Event">
      <div class="card-head">
        <h2>
          <Icon name={lookOf(event.type).icon} size={14} /> {event.type}
        </h2>
        <div class="spring" />
        <CopyButton text={JSON.stringify(event.fact, null, 2)} what="the event" />
        <CopyButton text={location.href} what="the address of this event" label="Link" />
      </div>
      <dl class="facts">
        <div>
          <dt>sequence</dt>
          <dd class="mono">{event.name}</dd>
        </div>
        <div>
          <dt>at</dt>
          <dd>
            <ExactMoment at={event.at} />
          </dd>
        </div>
        <div>
          <dt>by</dt>
          <dd class="mono">{event.by}</dd>
        </div>
        <div>
          <dt>state after</dt>
          <dd>{event.state_after}</dd>
        </div>
        {Object.entries(rest).map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd class={typeof value === 'object' ? 'mono block' : 'mono'}>
              {typeof value === 'object' ? JSON.stringify(value, null, 2) : String(value)}
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
