import { type Text, t } from '../shell/language.ts';
import { Icon, type IconName } from './icon.tsx';

/** How a state, an event or a status is shown. A colour never stands without an icon and a label. */
export type Appearance = { tone: 'queued' | 'running' | 'retrying' | 'succeeded' | 'failed' | 'muted'; icon: IconName; label: string };

const appearances: Readonly<Record<string, Appearance & { label: Text }>> = {
  initial: { tone: 'muted', icon: 'queued', label: 'Not accepted yet' },
  queued: { tone: 'queued', icon: 'queued', label: 'Queued' },
  running: { tone: 'running', icon: 'running', label: 'Running' },
  retrying: { tone: 'retrying', icon: 'retrying', label: 'Retrying' },
  succeeded: { tone: 'succeeded', icon: 'succeeded', label: 'Succeeded' },
  failed: { tone: 'failed', icon: 'failed', label: 'Failed' },
  notified: { tone: 'muted', icon: 'notified', label: 'Notified' },
  redriven: { tone: 'muted', icon: 'redriven', label: 'Redriven' },
  pending: { tone: 'queued', icon: 'queued', label: 'Pending' },
  delivering: { tone: 'running', icon: 'delivering', label: 'Delivering' },
  backingOff: { tone: 'retrying', icon: 'retrying', label: 'Backing off' },
  delivered: { tone: 'succeeded', icon: 'succeeded', label: 'Delivered' },
  dismissed: { tone: 'muted', icon: 'dead', label: 'Dismissed' },
  notSent: { tone: 'muted', icon: 'discarded', label: 'Not sent' },
  dead: { tone: 'failed', icon: 'dead', label: 'Dead' },
  deferred: { tone: 'queued', icon: 'queued', label: 'Deferred' },
  'debounce.closed': { tone: 'queued', icon: 'queued', label: 'Debounce ended' },
  'debounce.joined': { tone: 'queued', icon: 'queued', label: 'Joined a group' },
  'delivery.started': { tone: 'running', icon: 'delivering', label: 'Delivery started' },
  'delivery.failed': { tone: 'retrying', icon: 'retrying', label: 'Delivery failed' },
  'delivery.delivered': { tone: 'succeeded', icon: 'succeeded', label: 'Delivered' },
  'delivery.dismissed': { tone: 'muted', icon: 'dead', label: 'Delivery dismissed' },
  'delivery.dead': { tone: 'failed', icon: 'dead', label: 'Delivery dead' },
  'delivery.postponed': { tone: 'retrying', icon: 'retrying', label: 'Delivery postponed' },
  'delivery.redriven': { tone: 'muted', icon: 'redriven', label: 'Delivery redriven' },
  WAIT: { tone: 'queued', icon: 'queued', label: 'Waiting' },
  RUNNING: { tone: 'running', icon: 'running', label: 'Running' },
  SUCCESS: { tone: 'succeeded', icon: 'succeeded', label: 'Succeeded' },
  FAIL: { tone: 'failed', icon: 'failed', label: 'Failed' },
  DISCARD: { tone: 'failed', icon: 'discarded', label: 'Discarded' },
};

/** The appearance of a state, an event or a status. An unknown name is its own label. */
export function appearanceOf(name: string): Appearance {
  const found = Object.hasOwn(appearances, name) ? appearances[name] : undefined;
  return found === undefined ? { tone: 'muted', icon: 'alert', label: name } : { ...found, label: t(found.label) };
}

export function Badge({ name, note, title }: { name: string; note?: string | undefined; title?: string | undefined }) {
  const { tone, icon, label } = appearanceOf(name);
  return (
    <span class={`badge tone-${tone}`} {...(title === undefined ? {} : { title })}>
      <Icon name={icon} size={14} />
      <span>{label}</span>
      {note === undefined ? null : <span class="badge-note">{note}</span>}
    </span>
  );
}

/** The state of an invocation. Once it is `notified` the badge shows the status, which names the outcome. */
export function InvocationBadge({ state, status }: { state: string; status: string }) {
  if (state === 'notified') return <Badge name={status} title={t('notified: every delivery is settled')} />;
  if (state === 'succeeded' || state === 'failed')
    return <Badge name={status} note={t('delivering')} title={t('{state}: its deliveries are not settled yet', { state })} />;
  return <Badge name={state} />;
}
