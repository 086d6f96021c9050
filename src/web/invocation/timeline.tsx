import { useState } from 'preact/hooks';
import { formatDuration } from '#src/core/text/format-duration.ts';
import { useNarrow } from '../invocations/windowed.ts';
import { Countdown, exactly } from '../parts/moment.tsx';
import { now, zone } from '../shell/settings.ts';
import { createChoice, createStore, useStore } from '../shell/store.ts';
import { type Lane, lanesOf, type Scale, type Stretch, scaleOf, ticksOf } from './lanes.ts';
import type { NamedEvent } from './use-invocation.ts';

const scaleKind = createChoice('sequent-scale', ['time', 'steps']);
const axisKind = createChoice('sequent-axis', ['relative', 'absolute']);
/** For what is over time stands still, and nothing needs to be drawn again. */
const still = createStore(0);

type TimelineProps = { events: readonly NamedEvent[]; shown: NamedEvent | undefined; onEvent: (name: string) => void };

/** Where the time went: attempts and tries as bars, waits hatched, each delivery in its own lane. */
export function Timeline({ events, shown, onEvent }: TimelineProps) {
  const lanes = lanesOf(events);
  const hasOpen = lanes.some(({ stretches }) => stretches.some(({ to }) => to === undefined));
  const present = useStore(hasOpen ? now : still);
  const kind = useStore(scaleKind);
  const first = events[0]?.at ?? 0;
  const due = lanes.flatMap(({ stretches }) =>
    stretches.flatMap(({ to, dueAt }) => (to === undefined && dueAt !== undefined ? [dueAt] : [])),
  );
  const latest = Math.max(present, ...events.slice(-1).map(({ at }) => at));
  const scale = scaleOf([...events.map(({ at }) => at), ...(hasOpen ? [latest] : []), ...due], kind);
  return (
    <section class="card timeline" aria-label="Timeline">
      <div class="card-head">
        <h2>Timeline</h2>
        {due.map((at) => (
          <Countdown key={at} to={at} />
        ))}
        <div class="spring" />
        <AxisChoices />
      </div>
      <div class="lanes">
        <Axis scale={scale} kind={kind} first={first} events={events} />
        {lanes.map((lane) => (
          <LaneRow key={lane.id} lane={lane} scale={scale} present={latest} onEvent={onEvent} />
        ))}
        <div class="lane-overlay" aria-hidden="true">
          {hasOpen ? <div class="line present" style={{ left: percent(scale.at(latest)) }} title="now" /> : null}
          {shown === undefined ? null : <div class="line shown" style={{ left: percent(scale.at(shown.at)) }} />}
        </div>
      </div>
    </section>
  );
}

function AxisChoices() {
  const scale = useStore(scaleKind);
  const axis = useStore(axisKind);
  return (
    <>
      <Choice label="Scale" value={scale} choices={['time', 'steps']} onChoice={scaleKind.set} />
      <Choice label="Times" value={axis} choices={['relative', 'absolute']} onChoice={axisKind.set} />
    </>
  );
}

type ChoiceProps<Value extends string> = { label: string; value: Value; choices: readonly Value[]; onChoice: (value: Value) => void };

export function Choice<Value extends string>({ label, value, choices, onChoice }: ChoiceProps<Value>) {
  return (
    <fieldset class="choice">
      <legend class="unseen">{label}</legend>
      {choices.map((choice) => (
        <button key={choice} type="button" aria-pressed={choice === value} onClick={() => onChoice(choice)}>
          {choice}
        </button>
      ))}
    </fieldset>
  );
}

function Axis({ scale, kind, first, events }: { scale: Scale; kind: 'time' | 'steps'; first: number; events: readonly NamedEvent[] }) {
  const axis = useStore(axisKind);
  const chosen = useStore(zone);
  const isNarrow = useNarrow();
  const all = kind === 'time' ? ticksOf(scale) : [...new Set(events.map(({ at }) => at))];
  // In steps there may be hundreds: as many as have room.
  const every = Math.ceil(all.length / (isNarrow ? 4 : 7));
  const ticks = all.filter((_, index) => index % every === 0);
  return (
    <div class="axis" aria-hidden="true">
      {ticks.map((at) => {
        const share = scale.at(at);
        const label = axis === 'relative' ? (at === first ? '0' : `+${formatDuration(at - first)}`) : exactly(at, chosen).slice(11, 23);
        return (
          <span key={at} class={share > 0.93 ? 'tick last' : 'tick'} style={{ left: percent(share) }}>
            {label}
          </span>
        );
      })}
    </div>
  );
}

function LaneRow({ lane, scale, present, onEvent }: { lane: Lane; scale: Scale; present: number; onEvent: (name: string) => void }) {
  return (
    <div class="lane">
      <div class="lane-name" title={lane.name}>
        {lane.name}
      </div>
      <div class="lane-track">
        {lane.stretches.map((stretch) => (
          <Bar
            key={`${stretch.from}${stretch.label}${stretch.event}`}
            stretch={stretch}
            scale={scale}
            present={present}
            onEvent={onEvent}
          />
        ))}
      </div>
    </div>
  );
}

function Bar({ stretch, scale, present, onEvent }: { stretch: Stretch; scale: Scale; present: number; onEvent: (name: string) => void }) {
  const [isHovered, setIsHovered] = useState(false);
  const { kind, tone, label, note, from, event, dueAt } = stretch;
  const to = stretch.to ?? Math.max(present, dueAt ?? present);
  const left = scale.at(from);
  const width = Math.max(0, scale.at(to) - left);
  const took = stretch.to === undefined ? '' : ` · ${formatDuration(stretch.to - from)}`;
  return (
    <button
      type="button"
      // The slider and the list of events are the way for keys; hundreds of bars would be none.
      tabIndex={-1}
      class={`bar ${kind} tone-${tone}${stretch.to === undefined ? ' open' : ''}`}
      // What has hardly any length is seen also at the end.
      style={{ left: `min(${percent(left)}, calc(100% - 4px))`, width: percent(width) }}
      title={isHovered ? `${label}: ${note} (from +${formatDuration(from - scale.from)})` : undefined}
      aria-label={`${label}${took}: ${note}`}
      onMouseEnter={() => setIsHovered(true)}
      onMouseLeave={() => setIsHovered(false)}
      onClick={() => onEvent(event)}
    >
      {/* As much as there is room for. */}
      {kind === 'wait' ? null : <span class="bar-short">{label.replace(/\D/g, '')}</span>}
      <span class="bar-label">{label}</span>
      <span class="bar-whole">
        {label}
        {took}
      </span>
    </button>
  );
}

function percent(share: number): string {
  return `${(share * 100).toFixed(3)}%`;
}
