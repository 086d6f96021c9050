import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { serveSequent } from '#test/support/cli/cli.ts';
import { everyLeaf, type Leaf } from '#test/support/cli/command-leaves.ts';
import { folderTest as test } from '#test/support/folder-fixture.ts';
import { rawText } from '#test/support/raw-text.ts';

/** Run until a signal, take no value of a person, or begin a load that lasts for minutes. */
const excluded = new Set([
  'serve',
  'dev',
  'mcp',
  'complete',
  'completion',
  'help',
  'storm',
  'restore',
  'nats-streams',
  'projection rebuild',
  'tail',
  'run',
]);
/** Values that no name, number, time or query of SQL is. */
const wrongValues = ['', ' ', 'a b/../*', 'é'.repeat(30_000)];

/** The lines of a command in which one argument, or the value of one option, is wrong. */
function* linesOf({ name, command }: Leaf): Generator<string[]> {
  const words = name.split(' ');
  const args = command.registeredArguments.filter(({ required }) => required);
  const given = args.map(() => 'absent');
  for (const wrong of wrongValues) {
    for (const index of command.registeredArguments.keys()) {
      yield [...words, '--', ...given.slice(0, index), wrong, ...given.slice(index + 1)];
    }
    for (const { long, required, optional } of command.options)
      if (long != null && (required || optional)) yield [...words, `${long}=${wrong}`, ...given];
  }
}

describe('a command whose argument or option has a wrong value', () => {
  test('says in words of Sequent what is wrong, and prints no text of a validator', { timeout: 600_000 }, async ({ folder }) => {
    await writeFile(join(folder, 'absent'), 'absent');
    await using sequent = await serveSequent([]);
    const leaves = (await everyLeaf()).filter(({ name }) => !excluded.has(name));
    const lines = leaves.flatMap((leaf) => [...linesOf(leaf)]);
    expect(lines.length).toBeGreaterThan(1_000);
    const failures: string[] = [];
    for (const line of lines) {
      const { code, stdout, stderr } = await sequent.run(line, { cwd: folder });
      const shown = line.map((word) => word.slice(0, 30)).join(' | ');
      if (rawText.test(stderr + stdout) || (code !== 0 && stderr === ''))
        failures.push(`${shown}: ${code} ${(stderr + stdout).slice(0, 300)}`);
    }
    expect(failures).toEqual([]);
  });
});
