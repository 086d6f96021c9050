import { useState } from 'preact/hooks';
import type { OpensBatch } from '#machines/facts.ts';
import type { InvocationView } from '#src/gateway/api/invocations/invocation-schemas.ts';
import { RedeliverDialog } from '../invocation/actions.tsx';
import { type DeliveryAction, DeliveryTable } from '../invocation/deliveries.tsx';
import { SettleDialog } from '../invocation/settle.tsx';
import { formatJson } from '../parts/payload-text.ts';
import { t } from '../shell/language.ts';
import '../styles/pages/invocation.css';

type DestinationsProps = { view: InvocationView; opens: OpensBatch | undefined; onDone: () => void };

/** The destinations of a batch: those that will be told once all members are over, and after that their deliveries. */
export function Destinations({ view, opens, onDone }: DestinationsProps) {
  const [dialog, setDialog] = useState<{ kind: DeliveryAction; destination: string }>();
  const props = { name: { id: view.request_id, function: view.function }, onClose: () => setDialog(undefined), onDone };
  return (
    <>
      {view.ended_at === undefined ? (
        <Awaited destinations={opens?.onComplete ?? []} />
      ) : (
        <DeliveryTable
          deliveries={view.deliveries}
          notSent={view.not_sent}
          onDelivery={(kind, destination) => setDialog({ kind, destination })}
        />
      )}
      {dialog === undefined ? null : dialog.kind === 'redeliver' ? (
        <RedeliverDialog destination={dialog.destination} {...props} />
      ) : (
        <SettleDialog kind={dialog.kind} destination={dialog.destination} {...props} />
      )}
    </>
  );
}

function Awaited({ destinations }: { destinations: NonNullable<OpensBatch['onComplete']> }) {
  if (destinations.length === 0) return null;
  return (
    <section class="card" aria-label={t('Destinations of the batch')}>
      <div class="card-head">
        <h2>{t('Destinations of the batch')}</h2>
        <span class="hint">{t('told once all members are over')}</span>
      </div>
      <ul class="deliveries">
        {destinations.map(({ id, destination, param }) => (
          <li key={id}>
            <div class="delivery-line">
              <b>{destination}</b>
              <code class="wrap">{id}</code>
            </div>
            <pre class="param">{formatJson(param).text}</pre>
          </li>
        ))}
      </ul>
    </section>
  );
}
