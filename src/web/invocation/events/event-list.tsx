import { useMemo } from 'preact/hooks';
import { formatDuration } from '#src/core/text/format-duration.ts';
import { CopyButton } from '../../parts/copy.tsx';
import { SegmentedControl } from '../../parts/forms/segmented-control.tsx';
import { Icon } from '../../parts/icon.tsx';
import { Scrollable } from '../../parts/scrollable.tsx';
import { t } from '../../shell/language.ts';
import { createSetting, useStore } from '../../shell/store.ts';
import type { NamedEvent } from '../named-events.ts';
import { allLines, compactLines, type EventLine } from './event-lines.ts';

const listKind = createSetting('sequent-events', ['compact', 'all', 'JSON']);

/** A longer list draws only the lines in the window. A picture or a print of the page would show the others empty, so a shorter one draws all. */
const MANY_LINES = 200;

type EventListProps = { events: readonly NamedEvent[]; shown: NamedEvent | undefined; isLatest: boolean; onEvent: (name: string) => void };

/** The events of an invocation: a line for each attempt and try, a line for each event, or the stored JSON. */
export function EventList({ events, shown, isLatest, onEvent }: EventListProps) {
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
    <section class="card events" aria-label={t('Events')}>
      <div class="card-head">
        <h2>{t('Events')}</h2>
        <span class="hint">{events.length}</span>
        <div class="spring" />
        {kind === 'JSON' ? <CopyButton text={json} name={t('all events')} /> : null}
        <SegmentedControl label={t('List of events')} value={kind} choices={['compact', 'all', 'JSON']} onChange={listKind.set} />
      </div>
      {kind === 'JSON' ? (
        <Scrollable class="code" label={t('The events as JSON')}>
          <pre>{json}</pre>
        </Scrollable>
      ) : (
        <ol class={`event-rows${lines.length > MANY_LINES ? ' many' : ''}`}>
          {lines.map((line) => (
            <EventRow
              key={line.name}
              line={line}
              first={first}
              isShown={!isLatest && shown !== undefined && line.names.includes(shown.name)}
              onEvent={onEvent}
            />
          ))}
        </ol>
      )}
    </section>
  );
}

type EventRowProps = { line: EventLine; first: number; isShown: boolean; onEvent: (name: string) => void };

function EventRow({ line: { name, at, tone, icon, title, text }, first, isShown, onEvent }: EventRowProps) {
  return (
    <li>
      <button type="button" class={`event-row tone-${tone}${isShown ? ' shown' : ''}`} aria-pressed={isShown} onClick={() => onEvent(name)}>
        <span class="event-icon">
          <Icon name={icon} size={14} />
        </span>
        <span class="event-type">{title}</span>
        <span class="event-text">{text}</span>
        <span class="event-time" title={t('sequence {sequence}', { sequence: name })}>
          +{formatDuration(Math.max(0, at - first))}
        </span>
      </button>
    </li>
  );
}
