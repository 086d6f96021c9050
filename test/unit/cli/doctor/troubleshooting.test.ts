import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { conditions } from '#machines/facts.ts';
import { waitKinds } from '#src/analysis/explain/queue-waits.ts';
import { createProgram } from '#src/cli/program.ts';
import chinese from '#src/cli/texts/zh-cn.json' with { type: 'json' };

/*
 * Whoever sees a code, a finding or a wait looks for the same text on the page. The texts are collected from the sources, so that a new one
 * fails here until the page names it in both languages.
 */

const root = fileURLToPath(new URL('../../../..', import.meta.url));
const textOf = (file: string): string => readFileSync(join(root, file), 'utf8');
const pages = { en: textOf('docs/troubleshooting.md'), zh: textOf('docs/zh/troubleshooting.md') };
const translations: Readonly<Record<string, string | undefined>> = { ...chinese.texts, ...chinese.words };

/** It ends a rehearsal from inside, and nobody sees it. */
const unseen = ['REHEARSAL_ENDED'];

function sourcesIn(folder: string): string[] {
  const files = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
  return files.map((file) => textOf(join(folder, file)));
}

const found = (texts: readonly string[], pattern: RegExp): string[] =>
  texts.flatMap((text) => [...text.matchAll(pattern)].map(([, one = '']) => one));

/** The codes of the errors, of the problems of commands, and of the problems of the HTTP API. */
function errorCodes(): Set<string> {
  const ofApi = textOf('src/gateway/api/problem.ts');
  const codes = [
    ...found(sourcesIn('src'), /readonly code = '([A-Z_]+)'/g),
    ...found(sourcesIn('src/cli'), /\bcode: '([A-Z_]+)'/g),
    ...found(sourcesIn('src/cli'), /\bproblem\(\s*'([A-Z_]+)'/g),
    ...found([ofApi], /'([A-Z]+(?:_[A-Z]+)*)'/g),
  ];
  return new Set(codes.filter((code) => !unseen.includes(code)));
}

/** The names of the findings of the doctor, as the source writes them: `clock of {host}`. */
function findingNames(): Set<string> {
  const checks = found(sourcesIn('src/cli/commands/doctor'), /\bcheck(?::| =) ([^;\n]+?)(?:, seen\b|, remedy\b|[;\n])/g);
  const names = checks.flatMap((check) => {
    const said = found([check], /say\('([^']+)'/g);
    return said.length > 0 ? said : found([check], /^['`]([^'`$]+?) ?(?:['`]|\$\{)/g);
  });
  return new Set(names);
}

const asShown = (name: string): string => `\`${name.replaceAll(/\{(\w+)\}/g, '<$1>')}\``;
/** What a person with a Chinese locale sees, behind the English name. */
const asTranslated = (name: string): string => {
  const chineseName = (translations[name] ?? name).replaceAll(/\{(\w+)\}/g, '<$1>');
  return chineseName === asShown(name).slice(1, -1) ? asShown(name) : `${asShown(name)}（${chineseName}）`;
};
const missingIn = (page: string, words: Iterable<string>): string[] => [...words].filter((word) => !page.includes(word));

describe('the page for troubleshooting', () => {
  test('names every code of an error that a command or the HTTP API can print', () => {
    const codes = [...errorCodes()].map((code) => `\`${code}\``);
    expect(codes.length).toBeGreaterThan(60);
    for (const page of Object.values(pages)) expect(missingIn(page, codes)).toEqual([]);
  });

  test('names every finding of the doctor, as the doctor prints it', () => {
    const names = [...findingNames()];
    expect(names.length).toBeGreaterThan(38);
    expect(missingIn(pages.en, names.map(asShown))).toEqual([]);
    expect(missingIn(pages.zh, names.map(asTranslated))).toEqual([]);
  });

  test('names every wait that a timeline prints, and every condition of a failure', () => {
    const waits = Object.values(waitKinds);
    const failures = Object.keys(conditions).map((one) => `\`${one}\``);
    expect(missingIn(pages.en, [...waits.map(asShown), ...failures])).toEqual([]);
    expect(missingIn(pages.zh, [...waits.map(asTranslated), ...failures])).toEqual([]);
  });

  test.each(Object.entries({ ...pages, pages: textOf('docs/pages.md'), pagesZh: textOf('docs/zh/pages.md') }))(
    'names only commands and options that exist: %s',
    async (_, page) => {
      const program = await createProgram('0.0.0', ['complete']);
      const lines = [...found([page], /`sequent ([^`]+)`/g), ...found([page], /^sequent (.+?)(?: +#.*)?$/gm)];
      expect(lines.length).toBeGreaterThan(0);
      expect(lines.flatMap((line) => defectOf(program, line) ?? [])).toEqual([]);
    },
  );
});

/** What of a line does not exist; `undefined` when the line is sound. */
function defectOf(program: Command, line: string): string | undefined {
  let command = program;
  for (const word of line.split(' ')) {
    const option = word.split('=')[0] ?? '';
    if (option.startsWith('-')) {
      const isKnown = [...command.options, ...program.options].some(({ long, short }) => option === long || option === short);
      if (!isKnown) return `sequent ${line}: there is no option ${option}`;
    } else if (command.commands.length > 0) {
      const next = command.commands.find((one) => one.name() === word || one.aliases().includes(word));
      if (next === undefined && command.registeredArguments.length === 0) return `sequent ${line}: there is no command ${word}`;
      command = next ?? command;
    }
  }
  return undefined;
}
