import type { AsOf } from '#src/analysis/history.ts';
import { parseWholeNumber } from '#src/core/text/whole-number.ts';
import { parseSince } from './since.ts';

/** Reads a place in a history: a sequence of the log, or a time as `2026-01-31T12:00:00Z`, or `30m` ago. For an option: throws commander's error. */
export function parseAsOf(text: string): AsOf {
  const sequence = parseWholeNumber(text);
  return sequence === undefined ? { at: parseSince(text) } : { sequence };
}

export function nameAsOf(asOf: AsOf): string {
  return 'sequence' in asOf ? `sequence ${asOf.sequence}` : new Date(asOf.at).toISOString();
}
