import { formatDuration } from '#src/core/text/format-duration.ts';
import { language, t } from '../shell/language.ts';
import { now, zone } from '../shell/settings.ts';
import { useStore } from '../shell/store.ts';

/** A time relative to the present, such as `12s ago`. The tooltip shows the exact time. */
export function RelativeTime({ at }: { at: number }) {
  const present = useStore(now);
  const timeZone = useStore(zone);
  return (
    <time dateTime={isoOf(at)} title={formatExactTime(at, timeZone)}>
      {formatRelativeTime(at, present)}
    </time>
  );
}

/** A date and time in the chosen time zone: in milliseconds, or in seconds for a time that is planned so. */
export function ExactTime({ at, isPlanned = false }: { at: number; isPlanned?: boolean }) {
  const timeZone = useStore(zone);
  return (
    <time dateTime={isoOf(at)} title={t('{count} ms since the epoch', { count: at })}>
      {isPlanned ? formatExactTime(at, timeZone).replace(/\.000(?= |$)/, '') : formatExactTime(at, timeZone)}
    </time>
  );
}

/** The time left until `to`, in whole seconds. */
export function Countdown({ to }: { to: number }) {
  const present = useStore(now);
  const left = to - present;
  return (
    <span class="countdown">
      {left > 0 ? t('due in {duration}', { duration: formatDuration(Math.ceil(left / 1_000) * 1_000) }) : t('due now')}
    </span>
  );
}

/** Formats a time such as `12s ago`. Small clock differences between machines do not show a time in the future. */
function formatRelativeTime(at: number, present: number): string {
  const ago = present - at;
  if (ago >= -2_000 && ago < 1_500) return t('just now');
  const formats = new Intl.RelativeTimeFormat(language.get(), { style: 'narrow' });
  const ms = Math.abs(ago);
  const count = (unitInMs: number): number => -Math.sign(ago) * Math.floor(ms / unitInMs);
  if (ms < 60_000) return formats.format(-Math.round(ago / 1_000), 'second');
  if (ms < 3_600_000) return formats.format(count(60_000), 'minute');
  if (ms < 86_400_000) return formats.format(count(3_600_000), 'hour');
  return formats.format(count(86_400_000), 'day');
}

/** Formats a time such as `2026-01-31 12:00:00.123`. */
export function formatExactTime(at: number, timeZone: 'local' | 'utc'): string {
  const iso = isoOf(timeZone === 'utc' ? at : at - new Date(at).getTimezoneOffset() * 60_000);
  return `${iso.slice(0, 23).replace('T', ' ')}${timeZone === 'utc' ? ' UTC' : ''}`;
}

/** Times come from the log. `toISOString` throws for an invalid one, which would break the page. */
function isoOf(at: number): string {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? 'unknown' : date.toISOString();
}
