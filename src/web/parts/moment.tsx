import { formatDuration } from '#src/core/text/format-duration.ts';
import { now, zone } from '../shell/settings.ts';
import { useStore } from '../shell/store.ts';

/** A time relative to the present; the exact one on hover, by the clock that was chosen. */
export function Moment({ at }: { at: number }) {
  const present = useStore(now);
  const chosen = useStore(zone);
  return (
    <time dateTime={isoOf(at)} title={exactly(at, chosen)}>
      {relatively(at, present)}
    </time>
  );
}

export function ExactMoment({ at }: { at: number }) {
  const chosen = useStore(zone);
  return (
    <time dateTime={isoOf(at)} title={`${at} ms since the epoch`}>
      {exactly(at, chosen)}
    </time>
  );
}

/** How long until a moment, to the second. */
export function Countdown({ to }: { to: number }) {
  const present = useStore(now);
  const left = to - present;
  return <span class="countdown">{left > 0 ? `due in ${formatDuration(Math.ceil(left / 1_000) * 1_000)}` : 'due now'}</span>;
}

/** `12 s ago`; a clock that is ahead of ours by little tells no future. */
function relatively(at: number, present: number): string {
  const ago = present - at;
  if (ago < -2_000) return `in ${rough(-ago)}`;
  return ago < 1_500 ? 'just now' : `${rough(ago)} ago`;
}

function rough(ms: number): string {
  if (ms < 60_000) return `${Math.round(ms / 1_000)} s`;
  if (ms < 3_600_000) return `${Math.floor(ms / 60_000)} min`;
  if (ms < 86_400_000) return `${Math.floor(ms / 3_600_000)} h`;
  return `${Math.floor(ms / 86_400_000)} d`;
}

/** `2026-01-31 12:00:00.123` by the clock that was chosen. */
export function exactly(at: number, chosen: 'local' | 'utc'): string {
  const iso = isoOf(chosen === 'utc' ? at : at - new Date(at).getTimezoneOffset() * 60_000);
  return `${iso.slice(0, 23).replace('T', ' ')}${chosen === 'utc' ? ' UTC' : ''}`;
}

/** Times come from the log: one that is none must not end the page. */
function isoOf(at: number): string {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? 'unknown' : date.toISOString();
}
