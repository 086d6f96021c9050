import { Icon, type IconName } from './icon.tsx';

/** How a state or an outcome looks: a colour, never without its sign and its word. */
export type Look = { tone: 'queued' | 'running' | 'retrying' | 'succeeded' | 'failed' | 'muted'; icon: IconName; word: string };

const looks: Readonly<Record<string, Look>> = {
  unborn: { tone: 'muted', icon: 'queued', word: 'Unborn' },
  queued: { tone: 'queued', icon: 'queued', word: 'Queued' },
  running: { tone: 'running', icon: 'running', word: 'Running' },
  retrying: { tone: 'retrying', icon: 'retrying', word: 'Retrying' },
  succeeded: { tone: 'succeeded', icon: 'succeeded', word: 'Succeeded' },
  failed: { tone: 'failed', icon: 'failed', word: 'Failed' },
  notified: { tone: 'muted', icon: 'notified', word: 'Notified' },
  redriven: { tone: 'muted', icon: 'redriven', word: 'Redriven' },
  pending: { tone: 'queued', icon: 'queued', word: 'Pending' },
  delivering: { tone: 'running', icon: 'delivering', word: 'Delivering' },
  backingOff: { tone: 'retrying', icon: 'retrying', word: 'Backing off' },
  delivered: { tone: 'succeeded', icon: 'succeeded', word: 'Delivered' },
  dead: { tone: 'failed', icon: 'dead', word: 'Dead' },
  'delivery.started': { tone: 'running', icon: 'delivering', word: 'Delivery started' },
  'delivery.failed': { tone: 'retrying', icon: 'retrying', word: 'Delivery failed' },
  'delivery.delivered': { tone: 'succeeded', icon: 'succeeded', word: 'Delivered' },
  'delivery.dead': { tone: 'failed', icon: 'dead', word: 'Delivery given up' },
  'delivery.redriven': { tone: 'muted', icon: 'redriven', word: 'Delivery redriven' },
  WAIT: { tone: 'queued', icon: 'queued', word: 'Waiting' },
  RUNNING: { tone: 'running', icon: 'running', word: 'Running' },
  SUCCESS: { tone: 'succeeded', icon: 'succeeded', word: 'Succeeded' },
  FAIL: { tone: 'failed', icon: 'failed', word: 'Failed' },
  DISCARD: { tone: 'failed', icon: 'discarded', word: 'Discarded' },
};

/** What is not known keeps its own name. */
export function lookOf(name: string): Look {
  return (Object.hasOwn(looks, name) ? looks[name] : undefined) ?? { tone: 'muted', icon: 'alert', word: name };
}

export function Badge({ name, note, title }: { name: string; note?: string | undefined; title?: string | undefined }) {
  const { tone, icon, word } = lookOf(name);
  return (
    <span class={`badge tone-${tone}`} {...(title === undefined ? {} : { title })}>
      <Icon name={icon} size={14} />
      <span>{word}</span>
      {note === undefined ? null : <span class="badge-note">{note}</span>}
    </span>
  );
}

/**
 * The state of an invocation, as a person asks for it: `notified` says that everybody was told, and its outcome what
 * became of it.
 */
export function InvocationBadge({ state, status }: { state: string; status: string }) {
  if (state === 'notified') return <Badge name={status} title="notified: everybody was told" />;
  if (state === 'succeeded' || state === 'failed')
    return <Badge name={status} note="telling" title={`${state}: its destinations are being told`} />;
  return <Badge name={state} />;
}
