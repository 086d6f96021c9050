import { parseComment } from './api.ts';

/** How a language writes the texts of the reference. */
export type Words = {
  /** Translates a text: each paragraph and each item of a list by itself. */
  say: (text: string) => string;
  colon: string;
};

/** The texts of the doc comments are English. */
export const english: Words = { say: (text) => text, colon: ': ' };

/** A translation by a catalogue. It collects the texts that the catalogue lacks, and knows the entries that no text needed. */
export type Translation = Words & { missing: ReadonlySet<string>; unused: () => string[] };

/** Between paragraphs, and before the items of a list. */
const BREAK = /(\n\s*\n|\n(?=\d+\. |- ))/;

/** Translates into Chinese by a catalogue from English sentences, whose white space is one space each. A text without translation stays English. */
export function createTranslation(catalogue: Readonly<Record<string, string>>): Translation {
  const used = new Set<string>();
  const missing = new Set<string>();
  const translated = (part: string): string => {
    const [, mark = '', sentence = ''] = /^(\d+\. |- )?([\s\S]*)$/.exec(part.trim()) ?? [];
    const text = inLine(sentence);
    if (text === '') return '';
    used.add(text);
    if (!Object.hasOwn(catalogue, text)) missing.add(text);
    return `${mark}${catalogue[text] ?? text}`;
  };
  return {
    say: (text) =>
      text
        .split(BREAK)
        .map((part, index) => (index % 2 === 0 ? translated(part) : part))
        .join(''),
    colon: '：',
    missing,
    unused: () => Object.keys(catalogue).filter((text) => !used.has(text)),
  };
}

/** Code with its doc comments in a language. Signatures and examples stay as they are. */
export function commentsIn(code: string, { say }: Words): string {
  if (say === english.say) return code;
  return code.replaceAll(/(?:^([ \t]*))?(\/\*\*[\s\S]*?\*\/)/gm, (_, indent = '', source = '') => {
    const { text, params, returns, throws, examples } = parseComment(source);
    const parts = [
      say(text),
      ...[...params].map(([name, description]) => `@param ${name} ${say(description)}`),
      ...(returns === '' ? [] : [`@returns ${say(returns)}`]),
      ...throws.map((error) => `@throws ${say(error)}`),
      ...examples.map((example) => `@example\n${example}`),
    ];
    const lines = parts.join('\n').split('\n');
    if (lines.length === 1) return `${indent}/** ${lines[0]} */`;
    return [`${indent}/**`, ...lines.map((line) => `${indent} * ${line}`.trimEnd()), `${indent} */`].join('\n');
  });
}

/** A text on one line. */
export function inLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim();
}
