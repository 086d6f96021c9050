import { t } from '../shell/language.ts';

/** Says how many lines of a running attempt are missing before a line. */
export function LeftOut({ count }: { count: number | undefined }) {
  return count === undefined ? null : <p class="hint">{t('{count} lines left out', { count })}</p>;
}
