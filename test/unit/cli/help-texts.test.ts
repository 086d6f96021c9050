import type { Command } from 'commander';
import { expect, test } from 'vitest';
import { loadHelpTexts } from '#src/cli/help-texts.ts';
import { createProgram } from '#src/cli/program.ts';
import help from '#src/cli/texts/help-zh-cn.json' with { type: 'json' };
import { setLanguage } from '#src/core/text/language.ts';

/** The texts of a command and of all below it. `complete` is a hidden command of a library. */
function textsOf(command: Command): string[] {
  if (command.name() === 'complete') return [];
  const described = [...command.options, ...command.registeredArguments].map(({ description }) => description);
  // The argument of `completion` is a library's too.
  if (command.name() === 'completion') return [command.summary(), command.description()];
  return [command.summary(), command.description(), ...described, ...command.commands.flatMap(textsOf)];
}

test('commands, arguments and options have Chinese texts, and no text is left over', async () => {
  const wanted = new Set(textsOf(await createProgram('0.0.0', ['complete'])).filter((text) => text !== ''));
  const known = Object.keys(help.commands);
  expect([...wanted].filter((text) => !known.includes(text))).toEqual([]);
  expect(known.filter((text) => !wanted.has(text))).toEqual([]);
});

test('the help of a command is Chinese, with its choices and its columns', async () => {
  setLanguage('zh-CN');
  try {
    const program = await createProgram('0.0.0', ['help', 'fn']);
    const help = program.helpInformation();
    expect(help).toMatch(/^用法： sequent /);
    expect(help.replaceAll(/\s+/g, ' ')).toContain('何时使用颜色（可选值："auto", "always", "never"，默认："auto"）');
    const lines = help.split('\n').filter((line) => line.startsWith('  doctor') || line.startsWith('  explain'));
    expect(lines).toEqual([expect.stringMatching(/^ {2}explain <id> +用句子/), expect.stringMatching(/^ {2}doctor +查找问题/)]);
    expect((await loadHelpTexts()).translate('unknown')).toBe('unknown');
  } finally {
    setLanguage('en');
  }
});
