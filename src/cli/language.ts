import { type Language, languageOf } from '#src/core/text/language.ts';

/** The language of the messages, by `LC_ALL`, `LC_MESSAGES` or `LANG`. A terminal that does not read UTF-8 shows English only. */
export function languageOfLocale({ LC_ALL, LC_MESSAGES, LC_CTYPE, LANG }: Readonly<Record<string, string | undefined>>): Language {
  const charset = LC_ALL || LC_CTYPE || LANG || '';
  return /utf-?8/i.test(charset) ? languageOf([LC_ALL || LC_MESSAGES || LANG || '']) : 'en';
}
