import { chmod, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { serveSequent } from '#test/support/cli/cli.ts';
import { commandLine } from '#test/support/cli/command-line.ts';
import { type Shell, tabOf } from '#test/support/cli/shells.ts';
import { sharedByFile } from '#test/support/shared-by-file.ts';

/** What a shell would run if it evaluated a candidate, a description, a directive or a typed word. Each creates a file in `folder`. */
const attacksIn = (folder: string): string[] => [
  `$(touch ${folder}/substituted)`,
  `\`touch ${folder}/quoted\``,
  `a[$(touch ${folder}/calculated)]`,
  `'; touch ${folder}/ended; '`,
  `%{$(touch ${folder}/prompted)%}`,
  `(touch ${folder}/fished)`,
];

/** `victim` is a function with a hostile description; `bin` is a folder with the real `sequent`. */
const test = sharedByFile(() => serveSequent([])).extend('bin', { scope: 'file' }, async ({ sequent }) => {
  const bin = join(sequent.dataDir, 'bin');
  await mkdir(bin);
  const command = [process.execPath, ...commandLine()].map((part) => `'${part}'`).join(' ');
  await writeFile(join(bin, 'sequent'), `#!/bin/sh\nSEQUENT_DATA='${sequent.dataDir}' exec ${command} "$@"\n`);
  await chmod(join(bin, 'sequent'), 0o755);
  const file = join(sequent.dataDir, 'double.mjs');
  await writeFile(file, 'export const handler = async ({ n }) => ({ doubled: n * 2 });\n');
  await sequent.run(['fn', 'put', 'double', '--file', file]);
  await sequent.run(['fn', 'put', 'billing:report', '--file', file]);
  return bin;
});

/** On a busy machine the names may not come within the two seconds for which a shell waits. A person presses Tab once more. */
const AGAIN = { timeout: 60_000 };

const shells: Shell[] = ['bash', 'zsh', 'fish'];

describe.for(shells)('Tab in %s', (shell) => {
  test('completes names of functions from the server, also behind the colon of a package', async ({ sequent, bin }) => {
    const { stdout: script } = await sequent.run(['completion', shell]);
    const tab = (line: string) => expect.poll(() => tabOf(shell, { script, line, bin }), AGAIN);
    await tab('sequent invoke dou').toEqual(['sequent invoke double']);
    await tab('sequent invoke billing:re').toEqual(['sequent invoke billing:report']);
    await tab('sequent ls --output=jsonl').toEqual(['sequent ls --output=jsonl']);
  });

  test('runs nothing of the description of a function, and shows it on one line', async ({ sequent, bin, folder }) => {
    const { stdout: script } = await sequent.run(['completion', shell]);
    const description = `Sends mail\n${attacksIn(folder).join('\n')}\t\u001b[2J\u202e`;
    const file = join(sequent.dataDir, 'mail.json');
    await writeFile(file, JSON.stringify({ name: 'mail', description, handler: { kind: 'inline' } }));
    expect(await sequent.run(['fn', 'put', file])).toMatchObject({ code: 0 });
    const shown: string[] = [];
    const complete = async () => {
      const { stdout } = await sequent.run(['complete', '--', 'invoke', 'mai']);
      shown.push(stdout);
      return stdout;
    };
    await expect.poll(complete, AGAIN).toMatch(/^mail\tSends mail [^\n\t]+\n:4\n$/);
    expect(shown.join('')).not.toMatch(/[^\P{C}\n\t]/u);
    await expect.poll(() => tabOf(shell, { script, line: 'sequent invoke mai', bin }), AGAIN).toEqual(['sequent invoke mail']);
    expect(await readdir(folder)).toEqual([]);
  });

  test('runs nothing of what a hostile program prints, and nothing of the words that are typed', async ({ sequent, folder }) => {
    const { stdout: script } = await sequent.run(['completion', shell]);
    const bin = join(folder, 'bin');
    const marks = join(folder, 'marks');
    await Promise.all([mkdir(bin), mkdir(marks)]);
    await writeFile(join(bin, 'sequent'), `#!/bin/sh\ncat '${bin}/answer'\n`);
    await chmod(join(bin, 'sequent'), 0o755);
    for (const attack of attacksIn(marks)) {
      await writeFile(join(bin, 'answer'), `${attack}\nname\t${attack}\n:${attack}\n`);
      await tabOf(shell, { script, line: `sequent invoke "${attack}" `, bin });
    }
    expect(await readdir(marks)).toEqual([]);
  });
});
