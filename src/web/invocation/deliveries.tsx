import type { DeliveryView, NotSentView } from '#src/gateway/api/invocations/invocation-schemas.ts';
import { messageText } from '../parts/failure-summary.ts';
import { formatJson } from '../parts/payload-text.ts';
import { Badge } from '../parts/state-badge.tsx';
import { Countdown } from '../parts/time.tsx';
import { type Text, t, tn } from '../shell/language.ts';
import type { SettleKind } from './settle.tsx';

export type DeliveryAction = 'redeliver' | SettleKind;
type OnDelivery = (action: DeliveryAction, destination: string) => void;
type DeliveryTableProps = { deliveries: readonly DeliveryView[]; notSent: readonly NotSentView[] | undefined; onDelivery: OnDelivery };

/** The deliveries of the outcome, each with its state and what can be done, and the destinations that do not get the outcome. */
export function DeliveryTable({ deliveries, notSent = [], onDelivery }: DeliveryTableProps) {
  if (deliveries.length + notSent.length === 0) return null;
  return (
    <section class="card" aria-label={t('Deliveries')}>
      <div class="card-head">
        <h2>{t('Deliveries')}</h2>
        <span class="hint">{deliveries.length}</span>
      </div>
      <ul class="deliveries">
        {deliveries.map((delivery) => (
          <Delivery key={delivery.destination_id} delivery={delivery} onDelivery={onDelivery} />
        ))}
        {notSent.map((one) => (
          <NotSent key={one.destination_id} {...one} />
        ))}
      </ul>
    </section>
  );
}

function NotSent({ destination, destination_id, param, when, undecidable }: NotSentView) {
  return (
    <li>
      <div class="delivery-line">
        <Badge name="notSent" />
        <b>{destination}</b>
        <code class="wrap">{destination_id}</code>
      </div>
      <pre class="param">{formatJson(param).text}</pre>
      <p class="reason">
        {undecidable === undefined
          ? t('when {when} does not hold', { when })
          : t('when {when} cannot be decided: {reason}', { when, reason: undecidable })}
      </p>
    </li>
  );
}

type DeliveryProps = { delivery: DeliveryView; onDelivery: OnDelivery };

const buttons: Readonly<Record<DeliveryAction, Text>> = { redeliver: 'Deliver again…', dismiss: 'Dismiss…', 'give-up': 'Give up…' };
const actionsIn: Readonly<Record<DeliveryView['state'], readonly DeliveryAction[]>> = {
  pending: ['give-up'],
  delivering: ['give-up'],
  backingOff: ['give-up'],
  delivered: [],
  dead: ['redeliver', 'dismiss'],
  dismissed: ['redeliver'],
};

function Delivery({
  delivery: { destination_id, destination, param, state, tries, due_at, reason, postponed, note },
  onDelivery,
}: DeliveryProps) {
  const isDead = state === 'dead' || state === 'dismissed';
  return (
    <li>
      <div class="delivery-line">
        <Badge name={state} />
        <b>{destination}</b>
        <code class="wrap">{destination_id}</code>
        <span class="hint">{tn(tries, ['{count} try', '{count} tries'])}</span>
        {due_at === undefined ? null : <Countdown to={due_at} />}
        <div class="spring" />
        {actionsIn[state].map((action) => (
          <button key={action} type="button" class="button small" onClick={() => onDelivery(action, destination_id)}>
            {t(buttons[action])}
          </button>
        ))}
      </div>
      <pre class="param">{formatJson(param).text}</pre>
      {reason === undefined ? null : (
        <p class={isDead ? 'reason dead' : 'reason'}>
          {isDead ? messageText(reason) : t('last failed try: {reason}', { reason: messageText(reason) })}
        </p>
      )}
      {note === undefined ? null : <p class="reason">{t('dismissed: {note}', { note })}</p>}
      {postponed === undefined ? null : <p class="reason">{t('waits: {reason}', { reason: postponed })}</p>}
    </li>
  );
}
