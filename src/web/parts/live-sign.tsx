import type { LiveState } from '../api/live.ts';
import { Icon } from './icon.tsx';

const words: Record<LiveState | 'paused' | 'busy' | 'over', { word: string; tone: string; title: string }> = {
  connecting: { word: 'Connecting', tone: 'muted', title: 'Connecting to the live stream' },
  live: { word: 'Live', tone: 'succeeded', title: 'What happens appears here' },
  lost: { word: 'Reconnecting', tone: 'retrying', title: 'The connection is lost; it is tried again, and nothing is left out' },
  paused: { word: 'Paused', tone: 'muted', title: 'Nothing changes here until you go on' },
  busy: { word: 'Busy', tone: 'running', title: 'More happens than can be followed: the list is read every two seconds' },
  over: { word: 'Ended', tone: 'muted', title: 'Nothing more happens by itself' },
};

type LiveSignProps = { live: LiveState | 'paused' | 'busy' | 'over'; isPaused: boolean; onToggle?: () => void };

export function LiveSign({ live, isPaused, onToggle }: LiveSignProps) {
  const { word, tone, title } = words[live];
  return (
    <span class="live">
      <span class={`live-sign tone-${tone}`} title={title} role="status">
        <Icon name={live === 'paused' ? 'pause' : 'live'} size={14} />
        {word}
      </span>
      {onToggle === undefined ? null : (
        <button
          type="button"
          class="button quiet small"
          aria-pressed={isPaused}
          onClick={onToggle}
          title={isPaused ? 'Go on (p)' : 'Pause (p)'}
        >
          <Icon name={isPaused ? 'play' : 'pause'} size={14} />
          <span class="unseen">{isPaused ? 'Go on' : 'Pause'}</span>
        </button>
      )}
    </span>
  );
}
