import { useState } from 'preact/hooks';
import { formatDuration } from '#src/core/text/format-duration.ts';
import { SegmentedControl } from '../../parts/forms/segmented-control.tsx';
import { useNarrow } from '../../parts/hooks/use-narrow.ts';
import { Countdown, formatExactTime } from '../../parts/time.tsx';
import { t } from '../../shell/language.ts';
import { now, zone } from '../../shell/settings.ts';
import { createSetting, createStore, useStore } from '../../shell/store.ts';
import type { NamedEvent } from '../named-events.ts';
import { type Lane, lanesOf, type Span } from './lanes.ts';

const scaleKind = createSetting('sequent-scale', ['time', 'steps']);
const axisKind = createSetting('sequent-axis', ['relative', 'absolute']);
/** Replaces the clock when every span has ended, so that the timeline is not rendered every second. */
const stoppedClock = createStore(0);

type TimelineProps = {
  events: readonly NamedEvent[];
  shown: NamedEvent | undefined;
  /** Why the execution waits now. */
  waitsFor: string | undefined;
  onEvent: (name: string) => void;
};

/** The spans of an invocation as bars, waits hatched, with a lane for the execution and for each delivery. */
export function Timeline({ events, shown, waitsFor, onEvent }: TimelineProps) {
  const lanes = lanesOf(events, waitsFor);
  const hasOpen = lanes.some(({ spans }) => spans.some(({ to }) => to === undefined));
  const present = useStore(hasOpen ? now : stoppedClock);
  const kind = useStore(scaleKind);
  const first = events[0]?.at ?? 0;
  const due = lanes.flatMap(({ spans }) => spans.flatMap(({ to, dueAt }) => (to === undefined && dueAt !== undefined ? [dueAt] : [])));
  const latest = Math.max(present, ...events.slice(-1).map(({ at }) => at));
  const scale = scaleOf([...events.map(({ at }) => at), ...(hasOpen ? [latest] : []), ...due], kind);
  return (
    <section class="card timeline" aria-label={t('Timeline')}>
      <div class="card-head">
        <h2>{t('Timeline')}</h2>
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
          {hasOpen ? <div class="line present" style={{ left: percent(scale.at(latest)) }} title={t('now')} /> : null}
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
      <SegmentedControl label={t('Scale')} value={scale} choices={['time', 'steps']} onChange={scaleKind.set} />
      <SegmentedControl label={t('Times')} value={axis} choices={['relative', 'absolute']} onChange={axisKind.set} />
    </>
  );
}

function Axis({ scale, kind, first, events }: { scale: Scale; kind: 'time' | 'steps'; first: number; events: readonly NamedEvent[] }) {
  const axis = useStore(axisKind);
  const timeZone = useStore(zone);
  const isNarrow = useNarrow();
  const all = kind === 'time' ? ticksOf(scale) : [...new Set(events.map(({ at }) => at))];
  // The scale `steps` has a tick for each event. Only as many are shown as fit.
  const every = Math.ceil(all.length / (isNarrow ? 4 : 7));
  const ticks = all.filter((_, index) => index % every === 0);
  return (
    <div class="axis" aria-hidden="true">
      {ticks.map((at) => {
        const share = scale.at(at);
        const label =
          axis === 'relative' ? (at === first ? '0' : `+${formatDuration(at - first)}`) : formatExactTime(at, timeZone).slice(11, 23);
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
        {lane.spans.map((span) => (
          <Bar key={`${span.from}${span.label}${span.event}`} span={span} scale={scale} present={present} onEvent={onEvent} />
        ))}
      </div>
    </div>
  );
}

function Bar({ span, scale, present, onEvent }: { span: Span; scale: Scale; present: number; onEvent: (name: string) => void }) {
  const [isHovered, setIsHovered] = useState(false);
  const { kind, tone, label, note, from, event, dueAt } = span;
  const to = span.to ?? Math.max(present, dueAt ?? present);
  const left = scale.at(from);
  const width = Math.max(0, scale.at(to) - left);
  const took = span.to === undefined ? '' : ` · ${formatDuration(span.to - from)}`;
  return (
    <button
      type="button"
      // Not in the tab order: keyboards use the slider and the list of events, because there may be hundreds of bars.
      tabIndex={-1}
      class={`bar ${kind} tone-${tone}${span.to === undefined ? ' open' : ''}`}
      // A bar without length stays visible at the right border.
      style={{ left: `min(${percent(left)}, calc(100% - 4px))`, width: percent(width) }}
      title={
        isHovered ? t('{what}: {note} (from +{duration})', { what: label, note, duration: formatDuration(from - scale.from) }) : undefined
      }
      aria-label={t('{what}: {note}', { what: `${label}${took}`, note })}
      onMouseEnter={() => setIsHovered(true)}
      onMouseLeave={() => setIsHovered(false)}
      onClick={() => onEvent(event)}
    >
      {/* CSS shows the longest label that fits. */}
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

/** Maps times to shares of the width, from 0 to 1. */
type Scale = { at(time: number): number; from: number; to: number };

/** A scale over the times: proportional, or with the same distance between all successive times. */
function scaleOf(times: readonly number[], kind: 'time' | 'steps'): Scale {
  const sorted = [...new Set(times)].sort((one, other) => one - other);
  const from = sorted[0] ?? 0;
  const to = Math.max(sorted.at(-1) ?? 0, from + 1);
  if (kind === 'time' || sorted.length < 2) return { from, to, at: (time) => clamp((time - from) / (to - from)) };
  return {
    from,
    to,
    at(time) {
      const next = sorted.findIndex((one) => one >= time);
      if (next <= 0) return next === 0 ? 0 : 1;
      const before = sorted[next - 1] ?? from;
      const after = sorted[next] ?? to;
      return (next - 1 + (time - before) / (after - before)) / (sorted.length - 1);
    },
  };
}

function clamp(share: number): number {
  return Math.min(1, Math.max(0, share));
}

/** Times at round distances from the start of the scale. */
function ticksOf({ from, to }: Scale, maxTicks = 6): number[] {
  const shortSteps = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000];
  const longSteps = [900_000, 1_800_000, 3_600_000, 7_200_000, 14_400_000, 21_600_000, 43_200_000, 86_400_000];
  const step = [...shortSteps, ...longSteps].find((one) => (to - from) / one <= maxTicks) ?? Math.ceil((to - from) / maxTicks);
  const ticks: number[] = [];
  for (let at = 0; at <= to - from && ticks.length <= maxTicks + 1; at += step) ticks.push(from + at);
  return ticks;
}
