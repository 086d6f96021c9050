import { type Language, languageOf } from '#src/core/text/language.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The language of the messages, by `LC_ALL`, `LC_MESSAGES` or `LANG`.
 *
 * Sequent writes UTF-8 and no other charset. A locale that names no charset, such as `zh_CN`, is taken to read UTF-8. A locale with one of
 * the charsets of GB 18030 is Chinese as well: {@link isGb18030Locale} says where the bytes are converted. Any other charset, and the locale
 * `C`, cannot show Chinese, so the messages are English.
 */
export function languageOfLocale(env: Environment): Language {
  const { LC_ALL, LC_MESSAGES, LANG } = env;
  const charset = charsetOf(env);
  const isReadable = charset === undefined ? !/^(?:C|POSIX)$/.test(characters(env)) : isUtf8(charset) || isGb18030(charset);
  return isReadable ? languageOf([LC_ALL || LC_MESSAGES || LANG || '']) : 'en';
}

/** Whether a terminal with this locale reads GB 18030, or GBK or GB 2312, which are parts of it. */
export function isGb18030Locale(env: Environment): boolean {
  return isGb18030(charsetOf(env) ?? '');
}

/** The locale that decides about characters. */
function characters({ LC_ALL, LC_CTYPE, LANG }: Environment): string {
  return LC_ALL || LC_CTYPE || LANG || '';
}

/** The charset that a locale such as `zh_CN.GB18030@pinyin` names. */
function charsetOf(env: Environment): string | undefined {
  return /\.([^@]+)/.exec(characters(env))?.[1];
}

const isUtf8 = (charset: string): boolean => /^utf-?8$/i.test(charset);
const isGb18030 = (charset: string): boolean => /^(?:gb-?18030|gbk|gb-?2312|euc-?cn|cp936)$/i.test(charset);
