import { useMemo } from 'preact/hooks';
import { formatDuration } from '#src/core/text/format-duration.ts';
import { CopyButton } from '../parts/copy.tsx';
import { Icon } from '../parts/icon.tsx';
import { Scrollable } from '../parts/scrollable.tsx';
import { createChoice, useStore } from '../shell/store.ts';
import { allLines, compactLines, type EventLine } from './event-rows.ts';
import { Choice } from './timeline.tsx';
import type { NamedEvent } from './use-invocation.ts';

const listKind = createChoice('sequent-events', ['compact', 'all', 'JSON']);

type EventListProps = { events: readonly NamedEvent[]; shown: NamedEvent | undefined; isPresent: boolean; onEvent: (name: string) => void };

/** What is in the log about the invocation: one line for an attempt or a delivery, one for each event, or as it is stored. */
export function EventList({ events, shown, isPresent, onEvent }: EventListProps) {
  const kind = useStore(listKind);
  const lines = useMemo(() => (kind === 'compact' ? compactLines(events) : allLines(events)), [kind, events]);
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
          {lines.map((line) => (
            <EventRow
              key={line.name}
              line={line}
              first={first}
              isShown={!isPresent && shown !== undefined && line.names.includes(shown.name)}
              onEvent={onEvent}
            />
          ))}
        </ol>
      )}
    </section>
  );
}

type EventRowProps = { line: EventLine; first: number; isShown: boolean; onEvent: (name: string) => void };

function EventRow({ line: { name, at, tone, icon, title, words }, first, isShown, onEvent }: EventRowProps) {
  return (
    <li>
      <button type="button" class={`event-row tone-${tone}${isShown ? ' shown' : ''}`} aria-pressed={isShown} onClick={() => onEvent(name)}>
        <span class="event-sign">
          <Icon name={icon} size={14} />
        </span>
        <span class="event-type">{title}</span>
        <span class="event-words">{words}</span>
        <span class="event-time" title={`sequence ${name}`}>
          +{formatDuration(Math.max(0, at - first))}
        </span>
      </button>
    </li>
  );
}
