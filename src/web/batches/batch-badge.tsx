import type { BatchView } from '#src/gateway/api/batches/batch-schemas.ts';
import { Icon, type IconName } from '../parts/icon.tsx';
import { type Text, t } from '../shell/language.ts';

const appearances: Readonly<Record<BatchView['state'], { tone: string; icon: IconName; label: Text; title: Text }>> = {
  unopened: { tone: 'muted', icon: 'alert', label: 'Not opened', title: 'Its members name a batch that nobody opened' },
  open: { tone: 'queued', icon: 'queued', label: 'Open', title: 'Further members may follow' },
  sealed: { tone: 'running', icon: 'running', label: 'Sealed', title: 'No further member is awaited, and the members are not over' },
  completed: {
    tone: 'running',
    icon: 'delivering',
    label: 'Completed',
    title: 'All members are over, and the destinations are being told',
  },
  notified: { tone: 'succeeded', icon: 'succeeded', label: 'Completed', title: 'All members are over, and every delivery is settled' },
};

/** The state of a batch. */
export function BatchBadge({ state }: Pick<BatchView, 'state'>) {
  const { tone, icon, label, title } = appearances[state];
  return (
    <span class={`badge tone-${tone}`} title={t(title)}>
      <Icon name={icon} size={14} />
      <span>{t(label)}</span>
      {state === 'completed' ? <span class="badge-note">{t('delivering')}</span> : null}
    </span>
  );
}
