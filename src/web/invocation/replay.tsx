import { delivery as deliveryDrawing, invocation as invocationDrawing } from 'virtual:machines';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { useNarrow } from '../invocations/windowed.ts';
import { MachineChart } from '../machine/chart.tsx';
import { type Step, takenBy } from '../machine/path.ts';
import { Icon } from '../parts/icon.tsx';
import { ExactMoment } from '../parts/moment.tsx';
import { Badge, lookOf } from '../parts/state.tsx';
import type { NamedEvent } from './use-invocation.ts';

type ReplayProps = {
  events: readonly NamedEvent[];
  /** The place of the event that is shown; the last one unless somebody goes back. */
  index: number;
  isPresent: boolean;
  onIndex: (index: number | undefined) => void;
};

/** The machine as it stood after an event, and a slider over all of them. */
export function Replay({ events, index, isPresent, onIndex }: ReplayProps) {
  const isNarrow = useNarrow();
  const shown = events[index];
  const steps = useMemo(() => stepsOf(events.slice(0, index + 1)), [events, index]);
  const taken = useMemo(() => takenBy(invocationDrawing, steps), [steps]);
  const destinations = Object.keys(shown?.deliveries_after ?? {});
  const showState = (name: string): void => {
    const found = events.findLastIndex((event, at) => at <= index && event.type === name);
    if (found >= 0) onIndex(found);
  };
  return (
    <section class="card replay" aria-label="Machine">
      <div class="card-head">
        <h2>Machine</h2>
        <span class="hint">{isPresent ? 'as it stands now' : 'as it stood then'}</span>
        <div class="spring" />
        {isPresent ? null : (
          <button type="button" class="button small" onClick={() => onIndex(undefined)}>
            Back to the present
          </button>
        )}
      </div>
      <div class="chart-frame">
        <MachineChart
          machine={invocationDrawing}
          taken={taken}
          isStanding={isNarrow}
          label="The machine of this invocation"
          tone={shown?.state_after === 'notified' ? lookOf(shown.status_after).tone : undefined}
          onState={showState}
        />
      </div>
      {destinations.length > 0 ? <Deliveries events={events.slice(0, index + 1)} destinations={destinations} /> : null}
      <Scrubber events={events} index={index} isPresent={isPresent} onIndex={onIndex} />
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

/** The machine of one delivery, of the destination that was chosen. */
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
            taken={takenBy(deliveryDrawing, steps)}
            isStanding={isNarrow}
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

function Scrubber({ events, index, isPresent, onIndex }: ReplayProps) {
  const [isPlaying, setIsPlaying] = useState(false);
  const state = useRef({ index, onIndex });
  state.current = { index, onIndex };
  const last = events.length - 1;
  const shown = events[index];
  useEffect(() => {
    if (!isPlaying) return;
    const timer = setInterval(() => {
      const { current } = state;
      if (current.index >= last) setIsPlaying(false);
      else current.onIndex(current.index + 1);
    }, STEP_EVERY_MS);
    return () => clearInterval(timer);
  }, [isPlaying, last]);
  const play = (): void => {
    if (!isPlaying && index >= last) onIndex(0);
    setIsPlaying(!isPlaying);
  };
  return (
    <div class="scrubber">
      <div class="scrubber-buttons">
        <button
          type="button"
          class="button quiet small"
          aria-label="Previous event"
          title="Previous event (←)"
          disabled={index <= 0}
          onClick={() => onIndex(index - 1)}
        >
          <Icon name="previous" size={14} />
        </button>
        <button type="button" class="button small" aria-label={isPlaying ? 'Stop the replay' : 'Replay'} title="Replay" onClick={play}>
          <Icon name={isPlaying ? 'pause' : 'play'} size={14} />
        </button>
        <button
          type="button"
          class="button quiet small"
          aria-label="Next event"
          title="Next event (→)"
          disabled={index >= last}
          onClick={() => onIndex(index + 1)}
        >
          <Icon name="next" size={14} />
        </button>
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
      <span class="scrubber-place">
        {index + 1} / {events.length}
        {shown === undefined ? null : (
          <>
            {' · '}
            <b>{shown.type}</b>
            <span class="wide-only">
              {' · '}
              <ExactMoment at={shown.at} />
            </span>
            {isPresent ? null : <span class="wide-only mono"> · {shown.name}</span>}
          </>
        )}
      </span>
    </div>
  );
}
