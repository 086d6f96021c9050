import { delivery as deliveryDrawing, invocation as invocationDrawing } from 'virtual:machines';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { MachineChart } from '../machine/chart.tsx';
import { type Step, takenPath } from '../machine/path.ts';
import { Icon, type IconName } from '../parts/icon.tsx';
import { appearanceOf, Badge } from '../parts/state-badge.tsx';
import { ExactTime } from '../parts/time.tsx';
import { useNarrow } from '../parts/use-narrow.ts';
import type { NamedEvent } from './use-invocation.ts';

type ReplayProps = {
  events: readonly NamedEvent[];
  /** The index of the event that is shown. It is the last one unless the user selects another. */
  index: number;
  isLatest: boolean;
  onIndex: (index: number | undefined) => void;
};

/** The machine's state after the selected event, and a slider that selects an event. */
export function Replay({ events, index, isLatest, onIndex }: ReplayProps) {
  const isNarrow = useNarrow();
  const shown = events[index];
  const steps = useMemo(() => stepsOf(events.slice(0, index + 1)), [events, index]);
  const path = useMemo(() => takenPath(invocationDrawing, steps), [steps]);
  const destinations = Object.keys(shown?.deliveries_after ?? {});
  const selectState = (name: string): void => {
    const found = events.findLastIndex((event, position) => position <= index && event.type === name);
    if (found >= 0) onIndex(found);
  };
  return (
    <section class="card replay" aria-label="Machine">
      <div class="card-head">
        <h2>Machine</h2>
        <span class="hint">{isLatest ? 'after the latest event' : 'after the selected event'}</span>
        <div class="spring" />
        {isLatest ? null : (
          <button type="button" class="button small" onClick={() => onIndex(undefined)}>
            Show the latest event
          </button>
        )}
      </div>
      <div class="chart-frame">
        <MachineChart
          machine={invocationDrawing}
          path={path}
          isVertical={isNarrow}
          label="The machine of this invocation"
          tone={shown?.state_after === 'notified' ? appearanceOf(shown.status_after).tone : undefined}
          onState={selectState}
        />
      </div>
      {destinations.length > 0 ? <Deliveries events={events.slice(0, index + 1)} destinations={destinations} /> : null}
      <Scrubber events={events} index={index} isLatest={isLatest} onIndex={onIndex} />
    </section>
  );
}

function stepsOf(events: readonly NamedEvent[]): Step[] {
  let from = invocationDrawing.initial;
  return events.flatMap((event) => {
    if (event.is_refused) return [];
    const step = { from, event: event.type, to: event.state_after };
    from = event.state_after;
    return [step];
  });
}

/** The deliveries with their states, and the machine of the one that the user chooses. */
function Deliveries({ events, destinations }: { events: readonly NamedEvent[]; destinations: readonly string[] }) {
  const [chosen, setChosen] = useState<string>();
  const isNarrow = useNarrow();
  const states = events.at(-1)?.deliveries_after ?? {};
  const steps = useMemo(() => (chosen === undefined ? [] : deliverySteps(events, chosen)), [events, chosen]);
  return (
    <div class="delivery-machines">
      <div class="delivery-choices">
        <span class="hint">Deliveries</span>
        {destinations.map((id) => (
          <button
            key={id}
            type="button"
            class="button small"
            aria-pressed={chosen === id}
            aria-expanded={chosen === id}
            onClick={() => setChosen(chosen === id ? undefined : id)}
          >
            <span class="mono">{id}</span> <Badge name={states[id] ?? 'pending'} />
          </button>
        ))}
      </div>
      {chosen === undefined ? null : (
        <div class="chart-frame">
          <MachineChart
            machine={deliveryDrawing}
            path={takenPath(deliveryDrawing, steps)}
            isVertical={isNarrow}
            label={`The machine of the delivery to ${chosen}`}
          />
        </div>
      )}
    </div>
  );
}

function deliverySteps(events: readonly NamedEvent[], destination: string): Step[] {
  let from = deliveryDrawing.initial;
  return events.flatMap((event) => {
    if (event.is_refused || !('destination' in event.fact) || event.fact.destination !== destination) return [];
    const to = event.deliveries_after[destination] ?? from;
    const step = { from, event: event.type, to };
    from = to;
    return [step];
  });
}

const STEP_EVERY_MS = 700;

/** Steps through the events while it plays; stops at the last one. */
function usePlayback({ events, index, onIndex }: Pick<ReplayProps, 'events' | 'index' | 'onIndex'>) {
  const [isPlaying, setIsPlaying] = useState(false);
  const latest = useRef({ index, onIndex });
  latest.current = { index, onIndex };
  const last = events.length - 1;
  useEffect(() => {
    if (!isPlaying) return;
    const timer = setInterval(() => {
      const { current } = latest;
      if (current.index >= last) setIsPlaying(false);
      else current.onIndex(current.index + 1);
    }, STEP_EVERY_MS);
    return () => clearInterval(timer);
  }, [isPlaying, last]);
  const togglePlay = (): void => {
    if (!isPlaying && index >= last) onIndex(0);
    setIsPlaying(!isPlaying);
  };
  return { isPlaying, togglePlay };
}

function Scrubber({ events, index, isLatest, onIndex }: ReplayProps) {
  const { isPlaying, togglePlay } = usePlayback({ events, index, onIndex });
  const last = events.length - 1;
  const shown = events[index];
  return (
    <div class="scrubber">
      <div class="scrubber-buttons">
        <StepButton label="Previous event" hint="←" icon="previous" isDisabled={index <= 0} onClick={() => onIndex(index - 1)} />
        <button
          type="button"
          class="button small"
          aria-label={isPlaying ? 'Stop the replay' : 'Replay'}
          title="Replay"
          onClick={togglePlay}
        >
          <Icon name={isPlaying ? 'pause' : 'play'} size={14} />
        </button>
        <StepButton label="Next event" hint="→" icon="next" isDisabled={index >= last} onClick={() => onIndex(index + 1)} />
      </div>
      <input
        type="range"
        min={0}
        max={Math.max(0, last)}
        value={index}
        style={{ '--share': `${last === 0 ? 100 : (index / last) * 100}%` }}
        aria-label="Event"
        aria-valuetext={shown === undefined ? '' : `event ${index + 1} of ${events.length}: ${shown.type}`}
        onInput={({ currentTarget }) => onIndex(Number(currentTarget.value))}
      />
      <span class="scrubber-position">
        {index + 1} / {events.length}
        {shown === undefined ? null : (
          <>
            {' · '}
            <b>{shown.type}</b>
            <span class="wide-only">
              {' · '}
              <ExactTime at={shown.at} />
            </span>
            {isLatest ? null : <span class="wide-only mono"> · {shown.name}</span>}
          </>
        )}
      </span>
    </div>
  );
}

type StepButtonProps = { label: string; hint: string; icon: IconName; isDisabled: boolean; onClick: () => void };

function StepButton({ label, hint, icon, isDisabled, onClick }: StepButtonProps) {
  return (
    <button
      type="button"
      class="button quiet small"
      aria-label={label}
      title={`${label} (${hint})`}
      disabled={isDisabled}
      onClick={onClick}
    >
      <Icon name={icon} size={14} />
    </button>
  );
}
