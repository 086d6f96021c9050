import type { LiveState } from '../api/live.ts';
import { type Text, t } from '../shell/language.ts';
import { Icon } from './icon.tsx';

type Status = LiveState | 'paused' | 'busy' | 'over';
const labels: Record<Status, { label: Text; tone: string; title: Text }> = {
  connecting: { label: 'Connecting', tone: 'muted', title: 'Connecting to the live stream' },
  live: { label: 'Live', tone: 'succeeded', title: 'New events appear at once' },
  lost: { label: 'Reconnecting', tone: 'retrying', title: 'The connection is lost. It is retried, and no event is missed.' },
  paused: { label: 'Paused', tone: 'muted', title: 'The page is not updated until you resume' },
  busy: { label: 'Busy', tone: 'running', title: 'Too many events to show one by one. The list is read every two seconds.' },
  over: { label: 'Ended', tone: 'muted', title: 'No further event is expected' },
};

type LiveStatusProps = { live: Status; isPaused: boolean; onToggle?: () => void };

/** Whether the page follows the live stream, with a button that pauses it. */
export function LiveStatus({ live, isPaused, onToggle }: LiveStatusProps) {
  const { label, tone, title } = labels[live];
  return (
    <span class="live">
      <span class={`live-status tone-${tone}`} title={t(title)} role="status">
        <Icon name={live === 'paused' ? 'pause' : 'live'} size={14} />
        {t(label)}
      </span>
      {onToggle === undefined ? null : (
        <button
          type="button"
          class="button quiet small"
          aria-pressed={isPaused}
          onClick={onToggle}
          title={isPaused ? t('Resume (p)') : t('Pause (p)')}
        >
          <Icon name={isPaused ? 'play' : 'pause'} size={14} />
          <span class="unseen">{isPaused ? t('Resume') : t('Pause')}</span>
        </button>
      )}
    </span>
  );
}
