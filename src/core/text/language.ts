/** The languages of the pages and of the command line. English texts are the keys of the catalogues of the others. */
export const languages = ['en', 'zh-CN'] as const;
export type Language = (typeof languages)[number];
export type Values = Readonly<Record<string, string | number>>;

/** The language of a list of language tags such as `zh-Hans-CN` or `zh_CN`, the preferred one first. English when there is none of these. */
export function languageOf(tags: readonly string[]): Language {
  for (const tag of tags) {
    const [primary] = tag.toLowerCase().split(/[-_.]/);
    if (primary === 'en') return 'en';
    if (primary === 'zh') return 'zh-CN';
  }
  return 'en';
}

let current: Language = 'en';

/** Sets the language of this process or page. */
export function setLanguage(language: Language): void {
  current = language;
}

export function currentLanguage(): Language {
  return current;
}

/** Runs a synchronous function in a language: the texts that the function makes are in this language. */
export function inLanguage<Result>(language: Language, work: () => Result): Result {
  const before = current;
  current = language;
  try {
    return work();
  } finally {
    current = before;
  }
}

/** Replaces each `{name}` by the value of this name, also of a getter. A name without a text or a number stays as it is. */
export function fill(template: string, values: Values): string {
  return template.replaceAll(/\{(\w+)\}/g, (whole, name: string) => {
    const value: unknown = values[name];
    return typeof value === 'string' || typeof value === 'number' ? String(value) : whole;
  });
}

/** The names of the values that a text needs. Empty brackets, as in an example of an event, name none. */
type Names<Text extends string> = Text extends `${string}{${infer Name}}${infer Rest}` ? Exclude<Name, ''> | Names<Rest> : never;

/** The values of a text as an argument: absent for a text without names. Any values are possible when the text is known at run time only. */
export type ValuesOf<Text extends string, All extends string> = [All] extends [Text]
  ? [values?: Values]
  : [Names<Text>] extends [never]
    ? []
    : [values: Readonly<Record<Names<Text>, string | number>>];

/** A text in the current language. The English text is the key of its translation, so the compiler finds a text without one. */
export type Say<All extends string> = <Text extends All>(text: Text, ...values: ValuesOf<Text, All>) => string;

/** Makes a {@link Say} of a catalogue: English texts with their translations. */
export function createSay<All extends string>(zhCn: Readonly<Record<All, string>>): Say<All> {
  return (text, values = {}) => fill(current === 'zh-CN' ? zhCn[text] : text, values);
}
