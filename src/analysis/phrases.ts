import { currentLanguage } from '#src/core/text/language.ts';

/** A time in UTC, because the log is read in many time zones. */
export function isoTime(at: number): string {
  return new Date(at).toISOString();
}

/** Adds a full stop where a message of an error has none. */
export function withFullStop(text: string): string {
  if (/[.!?。！？]$/.test(text)) return text;
  return text + (currentLanguage() === 'en' ? '.' : '。');
}
