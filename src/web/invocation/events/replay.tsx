import { delivery as deliveryDrawing, invocation as invocationDrawing } from 'virtual:machines';
import { useMemo, useState } from 'preact/hooks';
import { MachineChart } from '../../machine/chart.tsx';
import { type Step, takenPath } from '../../machine/path.ts';
import { useNarrow } from '../../parts/hooks/use-narrow.ts';
import { appearanceOf, Badge } from '../../parts/state-badge.tsx';
import { t } from '../../shell/language.ts';
import type { NamedEvent } from '../named-events.ts';
import { Scrubber, type ScrubberProps } from './scrubber.tsx';

/** The machine's state after the selected event, and a slider that selects an event. */
export function Replay({ events, index, isLatest, onIndex }: ScrubberProps) {
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
    <section class="card replay" aria-label={t('Machine')}>
      <div class="card-head">
        <h2>{t('Machine')}</h2>
        <span class="hint">{isLatest ? t('after the latest event') : t('after the selected event')}</span>
        <div class="spring" />
        {isLatest ? null : (
          <button type="button" class="button small" onClick={() => onIndex(undefined)}>
            {t('Show the latest event')}
          </button>
        )}
      </div>
      <div class="chart-frame">
        <MachineChart
          machine={invocationDrawing}
          path={path}
          isVertical={isNarrow}
          label={t('The machine of this invocation')}
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
        <span class="hint">{t('Deliveries')}</span>
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
            label={t('The machine of the delivery to {destination}', { destination: chosen })}
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
