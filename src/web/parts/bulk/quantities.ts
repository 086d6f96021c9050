import { parseDuration } from '#src/core/text/parse-duration.ts';
import { parseSize } from '#src/core/text/size-text.ts';
import { t } from '../../shell/language.ts';

/** A quantity that people write with its unit. */
export type Unit = 'duration' | 'size';

/** The milliseconds or the bytes of a text, or the text when it is no quantity: the gateway refuses the text. A number alone has no unit. */
export function quantityOrText(text: string, unit: Unit): number | string {
  const value = unit === 'duration' ? parseDuration(text) : /[a-z]/i.test(text) ? parseSize(text) : undefined;
  return value ?? text;
}

/** What is wrong with a text that must be a quantity; `undefined` for an empty one. */
export function mistakeIn(text: string, unit: Unit | undefined): string | undefined {
  if (unit === undefined || text.trim() === '' || typeof quantityOrText(text, unit) === 'number') return undefined;
  return unit === 'duration' ? t('not a duration, such as 30s, 10m or 24h') : t('not a size, such as 512KB or 64MB');
}
