import { CopyButton } from '../parts/copy.tsx';
import { Icon } from '../parts/icon.tsx';
import { appearanceOf } from '../parts/state-badge.tsx';
import { ExactTime } from '../parts/time.tsx';
import type { NamedEvent } from './use-invocation.ts';

/** Everything that the log holds about one event. */
export function EventDetails({ event }: { event: NamedEvent }) {
  const { type: _, invocation: __, at: ___, ...rest } = event.fact;
  return (
    <section class="card event-details" aria-label="Event">
      <div class="card-head">
        <h2>
          <Icon name={appearanceOf(event.type).icon} size={14} /> {event.type}
        </h2>
        <div class="spring" />
        <CopyButton text={JSON.stringify(event.fact, null, 2)} name="the event" />
        <CopyButton text={location.href} name="link to this event" label="Copy link" />
      </div>
      <dl class="properties">
        <div>
          <dt>sequence</dt>
          <dd class="mono">{event.name}</dd>
        </div>
        <div>
          <dt>at</dt>
          <dd>
            <ExactTime at={event.at} />
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
  if (typeof value === 'number' && name.endsWith('At')) return <ExactTime at={value} />;
  return <>{typeof value === 'object' ? JSON.stringify(value, null, 2) : String(value)}</>;
}
