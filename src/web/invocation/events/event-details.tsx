import { CopyButton } from '../../parts/copy.tsx';
import { Icon } from '../../parts/icon.tsx';
import { appearanceOf } from '../../parts/state-badge.tsx';
import { ExactTime } from '../../parts/time.tsx';
import { t } from '../../shell/language.ts';
import type { NamedEvent } from '../named-events.ts';

/** Everything that the log holds about one event. */
export function EventDetails({ event }: { event: NamedEvent }) {
  const { type: _, invocation: __, at: ___, ...rest } = event.fact;
  return (
    <section class="card event-details" aria-label={t('Event')}>
      <div class="card-head">
        <h2>
          <Icon name={appearanceOf(event.type).icon} size={14} /> {event.type}
        </h2>
        <div class="spring" />
        <CopyButton text={JSON.stringify(event.fact, null, 2)} name={t('the event')} />
        <CopyButton text={location.href} name={t('link to this event')} label={t('Copy link')} />
      </div>
      <dl class="properties">
        <div>
          <dt>{t('sequence')}</dt>
          <dd class="mono">{event.name}</dd>
        </div>
        <div>
          <dt>{t('at')}</dt>
          <dd>
            <ExactTime at={event.at} />
          </dd>
        </div>
        <div>
          <dt>{t('by')}</dt>
          <dd class="mono">{event.by}</dd>
        </div>
        <div>
          <dt>{t('state after')}</dt>
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
