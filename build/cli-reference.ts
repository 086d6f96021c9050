import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Command, Option } from 'commander';
import { padEnd, widthOf } from '#src/cli/print/terminal.ts';
import { createProgram, usageOf } from '#src/cli/program.ts';
import { VERSION } from '#src/client/version.ts';
import { inLanguage, type Language } from '#src/core/text/language.ts';
import { listSettings } from '#src/main/config/configuration.ts';

/*
 * npm run cli-reference writes the references of docs/cli.md and docs/zh/cli.md from the commands themselves and the catalogue of their help.
 * test/unit/cli/reference.test.ts compares both.
 */

const START = '<!-- npm run cli-reference writes what follows. -->\n';
/** docs/configuration.md describes these options, and a test compares both. */
const settings = new Set(listSettings().map(({ flag }) => flag));

type Words = { document: string; heads: readonly [string, string]; or: string; comma: string; colon: string; settings: string };

const english: Words = {
  document: 'docs/cli.md',
  heads: ['command', 'what it does'],
  or: ' or ',
  comma: ', ',
  colon: ': ',
  settings: 'the settings of [configuration](configuration.md)',
};
const chinese: Words = {
  document: 'docs/zh/cli.md',
  heads: ['命令', '做什么'],
  or: ' 或 ',
  comma: '、',
  colon: '：',
  settings: '[配置](configuration.md)中的各项设置',
};
const words: Readonly<Record<Language, Words>> = { en: english, 'zh-CN': chinese };

/** The document in a language, with a reference of all commands, their arguments and their options. */
export async function documentWithReference(language: Language): Promise<{ document: string; present: string; wanted: string }> {
  const { document } = words[language];
  const present = readFileSync(pathOf(document), 'utf8');
  const [before = ''] = present.split(START);
  // The program loads the texts of its language before it first waits.
  const program = await inLanguage(language, () => createProgram(VERSION, ['complete']));
  return { document, present, wanted: `${before}${START}\n${referenceOf(program, words[language])}` };
}

function pathOf(document: string): string {
  return fileURLToPath(new URL(`../${document}`, import.meta.url));
}

function referenceOf(program: Command, used: Words): string {
  const help = program.createHelp();
  const commands = program.commands.filter((command) => command.name() !== 'complete');
  const rows = commands.map((command) => [`\`${usageOf(command)}\``, help.subcommandDescription(command).replaceAll('|', '\\|')]);
  const widths = [0, 1].map((index) => Math.max(...rows.map((row) => widthOf(row[index] ?? ''))));
  const lineOf = (cells: readonly string[]) => `| ${cells.map((cell, index) => padEnd(cell, widths[index] ?? 0)).join(' | ')} |`;
  const table = [lineOf(used.heads), lineOf(widths.map((width) => '-'.repeat(width))), ...rows.map(lineOf)];
  const sections = commands.flatMap((command) => sectionsOf(program, { command, path: '', used }));
  return `${[...table, '', ...sections].join('\n').trimEnd()}\n`;
}

type Section = { command: Command; path: string; used: Words };

function sectionsOf(program: Command, { command, path, used }: Section): string[] {
  const help = program.createHelp();
  const shown = help.visibleOptions(command).filter(({ long }) => long !== '--help');
  const own = shown.filter(({ long }) => !settings.has(long ?? ''));
  const aliases = command.aliases().map((alias) => `\`${alias}\``);
  const name = `${path}${command.name()}`;
  const also = aliases.length === 0 ? '' : `${used.or}${aliases.join(used.comma)}`;
  const description = textOf(help.commandDescription(command) || help.subcommandDescription(command));
  return [
    `### ${name}`,
    '',
    `\`sequent ${path}${usageOf(command)}\`${also}${used.colon}${description}`,
    '',
    ...own.map((option) => `- ${describe(option, used.colon, help.optionDescription(option))}`),
    ...(own.length === shown.length ? [] : [`- ${used.settings}`]),
    ...(shown.length === 0 ? [] : ['']),
    ...command.commands.flatMap((one) => sectionsOf(program, { command: one, path: `${name} `, used })),
  ];
}

function describe({ flags }: Option, colon: string, description: string): string {
  return `\`${flags}\`${colon}${textOf(description)}`;
}

/** The text in markdown, which takes `<file>` outside of code for an element, and does not show it. */
function textOf(description: string): string {
  return description.replaceAll('<', '\\<');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const language of ['en', 'zh-CN'] as const) {
    const { document, wanted } = await documentWithReference(language);
    writeFileSync(pathOf(document), wanted);
    process.stdout.write(`wrote ${document}\n`);
  }
}
