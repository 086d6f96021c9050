import { createSay, currentLanguage } from '#src/core/text/language.ts';
import catalogue from './zh-cn.json' with { type: 'json' };

const { heads, texts, words } = catalogue;
const zhCn = { ...texts, ...words };
type Text = keyof typeof zhCn;

/** A text of the command line in the current language. */
export const say = createSay(zhCn);

/** The head of a column of a table. The empty head belongs to a column that needs none. */
export type Head = keyof typeof heads | '';

/** The head of a column in the current language. */
export function sayHead(head: Head): string {
  return head === '' || currentLanguage() === 'en' ? head : heads[head];
}

/** A text with a count: the first text for one, the other for all other counts. */
export function sayCount(count: number, [one, many]: readonly [one: Text, many: Text]): string {
  return say(count === 1 ? one : many, { count });
}

/** A word of a fixed set, such as a state, for people. Programs, options and JSON keep the English word. */
export function sayWord(word: string): string {
  return currentLanguage() === 'zh-CN' && Object.hasOwn(words, word) ? words[word as keyof typeof words] : word;
}

/** The translation of a text that may have none. */
export function translated(text: string): string {
  const known: Readonly<Record<string, string>> = zhCn;
  return currentLanguage() === 'zh-CN' && Object.hasOwn(known, text) ? (known[text] as string) : text;
}
