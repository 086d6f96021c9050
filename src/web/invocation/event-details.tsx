import { CopyButton } from '../parts/copy.tsx';
import { Icon } from '../parts/icon.tsx';
import { ExactMoment } from '../parts/moment.tsx';
import { lookOf } from '../parts/state.tsx';
import type { NamedEvent } from './use-invocation.ts';

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
        <CopyButton text={location.href} what="link to this event" label="Copy link" />
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
              <Value name={name} value={value} />
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

function Value({ name, value }: { name: string; value: unknown }) {
  if (typeof value === 'number' && name.endsWith('At')) return <ExactMoment at={value} />;
  return <>{typeof value === 'object' ? JSON.stringify(value, null, 2) : String(value)}</>;
}
