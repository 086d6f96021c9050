import { useEffect, useRef, useState } from 'preact/hooks';
import { Icon, type IconName } from '../../parts/icon.tsx';
import { ExactTime } from '../../parts/time.tsx';
import { t } from '../../shell/language.ts';
import type { NamedEvent } from '../named-events.ts';

const STEP_EVERY_MS = 700;

export type ScrubberProps = {
  events: readonly NamedEvent[];
  /** The index of the event that is shown. It is the last one unless the user selects another. */
  index: number;
  isLatest: boolean;
  onIndex: (index: number | undefined) => void;
};

/** A slider over the events, with buttons that replay them and step between them. */
export function Scrubber({ events, index, isLatest, onIndex }: ScrubberProps) {
  const { isPlaying, togglePlay } = usePlayback({ events, index, onIndex });
  const last = events.length - 1;
  const shown = events[index];
  return (
    <div class="scrubber">
      <div class="scrubber-buttons">
        <StepButton label={t('Previous event')} hint="←" icon="previous" isDisabled={index <= 0} onClick={() => onIndex(index - 1)} />
        <button
          type="button"
          class="button small"
          aria-label={isPlaying ? t('Stop the replay') : t('Replay')}
          title={t('Replay')}
          onClick={togglePlay}
        >
          <Icon name={isPlaying ? 'pause' : 'play'} size={14} />
        </button>
        <StepButton label={t('Next event')} hint="→" icon="next" isDisabled={index >= last} onClick={() => onIndex(index + 1)} />
      </div>
      <input
        type="range"
        min={0}
        max={Math.max(0, last)}
        value={index}
        style={{ '--share': `${last === 0 ? 100 : (index / last) * 100}%` }}
        aria-label={t('Event')}
        aria-valuetext={
          shown === undefined ? '' : t('event {index} of {count}: {type}', { index: index + 1, count: events.length, type: shown.type })
        }
        onInput={({ currentTarget }) => onIndex(Number(currentTarget.value))}
      />
      <span class="scrubber-position">
        {index + 1} / {events.length}
        {shown === undefined ? null : (
          <>
            {' · '}
            <b>{shown.type}</b>
            <span class="wide-only">
              {' · '}
              <ExactTime at={shown.at} />
            </span>
            {isLatest ? null : <span class="wide-only mono"> · {shown.name}</span>}
          </>
        )}
      </span>
    </div>
  );
}

type StepButtonProps = { label: string; hint: string; icon: IconName; isDisabled: boolean; onClick: () => void };

function StepButton({ label, hint, icon, isDisabled, onClick }: StepButtonProps) {
  return (
    <button
      type="button"
      class="button quiet small"
      aria-label={label}
      title={`${label} (${hint})`}
      disabled={isDisabled}
      onClick={onClick}
    >
      <Icon name={icon} size={14} />
    </button>
  );
}

/** Steps through the events while it plays; stops at the last one. */
function usePlayback({ events, index, onIndex }: Pick<ScrubberProps, 'events' | 'index' | 'onIndex'>) {
  const [isPlaying, setIsPlaying] = useState(false);
  const latest = useRef({ index, onIndex });
  latest.current = { index, onIndex };
  const last = events.length - 1;
  useEffect(() => {
    if (!isPlaying) return;
    const timer = setInterval(() => {
      const { current } = latest;
      if (current.index >= last) setIsPlaying(false);
      else current.onIndex(current.index + 1);
    }, STEP_EVERY_MS);
    return () => clearInterval(timer);
  }, [isPlaying, last]);
  const togglePlay = (): void => {
    if (!isPlaying && index >= last) onIndex(0);
    setIsPlaying(!isPlaying);
  };
  return { isPlaying, togglePlay };
}
