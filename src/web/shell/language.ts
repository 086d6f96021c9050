import { fill, type Language, languageOf, languages, setLanguage, type Values, type ValuesOf } from '#src/core/text/language.ts';
import type zhCn from '../texts/zh-cn.json';
import { createSetting } from './store.ts';

/** A text of the pages in English: the key of its translations. */
export type Text = keyof typeof zhCn;
type Catalogue = Readonly<Partial<Record<string, string>>>;

/** English first: the document that the gateway sends names the language that the browser prefers. */
const first = languageOf([globalThis.document?.documentElement.lang ?? 'en']);

/** The language of the pages: what the user chose, or else what the browser prefers. */
export const language = createSetting<Language>('sequent-language', [first, ...languages.filter((one) => one !== first)]);

let catalogue: Catalogue = {};

/** Loads the texts of the language. The page is rendered after that. */
export async function startLanguage(): Promise<void> {
  await use(language.get()).catch(() => use('en'));
}

/** Changes the language, and remembers it. Rejects when its texts cannot be loaded; the language then stays. */
export async function chooseLanguage(chosen: Language): Promise<void> {
  await use(chosen);
  language.set(chosen);
}

/** The texts of a language are loaded when it is chosen. English needs none. */
async function use(chosen: Language): Promise<void> {
  catalogue = chosen === 'en' ? {} : (await import('../texts/zh-cn.json', { with: { type: 'json' } })).default;
  setLanguage(chosen);
  document.documentElement.lang = chosen;
}

/** A text in the language of the page, with each `{name}` replaced by its value. */
export function t<Known extends Text>(text: Known, ...[values = {}]: ValuesOf<Known, Text>): string {
  return fill(translated(text), values);
}

/** A text that depends on a number. Chinese has one form for all numbers: the translation of `many`. */
export function tn(count: number, [one, many]: readonly [one: Text, many: Text], values: Values = {}): string {
  return fill(translated(count === 1 ? one : many), { count: formatNumber(count), ...values });
}

/** The translation of a text that may have none, such as the name of a state that a newer gateway sends. */
export function translated(text: string): string {
  return (Object.hasOwn(catalogue, text) ? catalogue[text] : undefined) ?? text;
}

export function formatNumber(value: number): string {
  return value.toLocaleString(language.get());
}
