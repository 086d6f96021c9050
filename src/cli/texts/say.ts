import { createSay, currentLanguage } from '#src/core/text/language.ts';
import { doctor } from './zh-cn/doctor.ts';
import { problems } from './zh-cn/problems.ts';

const zhCn = { ...doctor, ...problems };

/** A text of the command line in the current language. */
export const say = createSay(zhCn);

/** The translation of a text that may have none. */
export function translated(text: string): string {
  const known: Readonly<Record<string, string>> = zhCn;
  return currentLanguage() === 'zh-CN' && Object.hasOwn(known, text) ? (known[text] as string) : text;
}
