import type { DeliveryView } from '#src/gateway/api/schemas/invocations.ts';
import { formatJson } from '../parts/payload-text.ts';
import { Badge } from '../parts/state-badge.tsx';
import { Countdown } from '../parts/time.tsx';

type DeliveryTableProps = { deliveries: readonly DeliveryView[]; onRedeliver: (destination: string) => void };

/** The deliveries of the outcome, each with its state. */
export function DeliveryTable({ deliveries, onRedeliver }: DeliveryTableProps) {
  if (deliveries.length === 0) return null;
  return (
    <section class="card" aria-label="Deliveries">
      <div class="card-head">
        <h2>Deliveries</h2>
        <span class="hint">{deliveries.length}</span>
      </div>
      <ul class="deliveries">
        {deliveries.map((delivery) => (
          <Delivery key={delivery.destination_id} delivery={delivery} onRedeliver={onRedeliver} />
        ))}
      </ul>
    </section>
  );
}

type DeliveryProps = { delivery: DeliveryView; onRedeliver: (destination: string) => void };

function Delivery({
  delivery: { destination_id, destination, param, state, tries, due_at, reason, postponed },
  onRedeliver,
}: DeliveryProps) {
  const isDead = state === 'dead';
  return (
    <li>
      <div class="delivery-line">
        <Badge name={state} />
        <b>{destination}</b>
        <code class="wrap">{destination_id}</code>
        <span class="hint">
          {tries} {tries === 1 ? 'try' : 'tries'}
        </span>
        {due_at === undefined ? null : <Countdown to={due_at} />}
        <div class="spring" />
        {isDead ? (
          <button type="button" class="button small" onClick={() => onRedeliver(destination_id)}>
            Deliver again…
          </button>
        ) : null}
      </div>
      <pre class="param">{formatJson(param).text}</pre>
      {reason === undefined ? null : (
        <p class={isDead ? 'reason dead' : 'reason'}>
          {isDead ? '' : 'last failed try: '}
          {reason}
        </p>
      )}
      {postponed === undefined ? null : <p class="reason">waits: {postponed}</p>}
    </li>
  );
}
