import { parseWholeNumber } from '#src/core/text/whole-number.ts';
import type { Place } from '#src/analysis/history.ts';
import { parseSince } from './since.ts';

/** Reads a place in a history: a sequence of the log, or a time as `2026-01-31T12:00:00Z`, or `30m` ago. For an option: throws commander's error. */
export function parsePlace(text: string): Place {
  const sequence = parseWholeNumber(text);
  return sequence === undefined ? { at: parseSince(text) } : { sequence };
}

export function namePlace(place: Place): string {
  return 'sequence' in place ? `sequence ${place.sequence}` : new Date(place.at).toISOString();
}
