import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Command, Option } from 'commander';
import { createProgram, usageOf } from '#src/cli/program.ts';
import { VERSION } from '#src/client/version.ts';
import { listSettings } from '#src/main/config/configuration.ts';

/*
 * npm run cli-reference writes the reference of docs/cli.md from the commands themselves. test/unit/cli/reference.test.ts compares both.
 */

const document = fileURLToPath(new URL('../docs/cli.md', import.meta.url));
const START = '<!-- npm run cli-reference writes what follows. -->\n';
/** docs/configuration.md describes these options, and a test compares both. */
const settings = new Set(listSettings().map(({ flag }) => flag));

/** The document, with a reference of all commands, their arguments and their options. */
export async function documentWithReference(): Promise<{ present: string; wanted: string }> {
  const present = readFileSync(document, 'utf8');
  const [before = ''] = present.split(START);
  return { present, wanted: `${before}${START}\n${referenceOf(await createProgram(VERSION, ['complete']))}` };
}

function referenceOf(program: Command): string {
  const commands = program.commands.filter((command) => command.name() !== 'complete');
  const rows = commands.map((command) => [`\`${usageOf(command)}\``, command.summary().replaceAll('|', '\\|')]);
  const widths = [0, 1].map((index) => Math.max(...rows.map((row) => row[index]?.length ?? 0)));
  const lineOf = (cells: readonly string[]) => `| ${cells.map((cell, index) => cell.padEnd(widths[index] ?? 0)).join(' | ')} |`;
  const table = [lineOf(['command', 'what it does']), lineOf(widths.map((width) => '-'.repeat(width))), ...rows.map(lineOf)];
  const sections = commands.flatMap((command) => sectionsOf(program, command, ''));
  return `${[...table, '', ...sections].join('\n').trimEnd()}\n`;
}

function sectionsOf(program: Command, command: Command, path: string): string[] {
  const help = program.createHelp();
  const shown = help.visibleOptions(command).filter(({ long }) => long !== '--help');
  const own = shown.filter(({ long }) => !settings.has(long ?? ''));
  const aliases = command.aliases().map((alias) => `\`${alias}\``);
  const name = `${path}${command.name()}`;
  return [
    `### ${name}`,
    '',
    `\`sequent ${path}${usageOf(command)}\`${aliases.length === 0 ? '' : ` or ${aliases.join(', ')}`}: ${command.description() || command.summary()}`,
    '',
    ...own.map((option) => `- ${describe(option, help.optionDescription(option))}`),
    ...(own.length === shown.length ? [] : ['- the settings of [configuration](configuration.md)']),
    ...(shown.length === 0 ? [] : ['']),
    ...command.commands.flatMap((one) => sectionsOf(program, one, `${name} `)),
  ];
}

function describe({ flags }: Option, description: string): string {
  return `\`${flags}\`: ${description}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { wanted } = await documentWithReference();
  writeFileSync(document, wanted);
  process.stdout.write(`wrote ${document}\n`);
}
