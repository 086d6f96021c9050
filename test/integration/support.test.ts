import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { describe, expect } from 'vitest';
import { openFolderOfRun, RUN_FOLDER } from '#test/support/cli/processes/folder-of-run.ts';
import { folderTest as test } from '#test/support/folder-fixture.ts';
import { runWhileProgressing } from '#test/support/package/run-while-progressing.ts';

const env = { PATH: process.env.PATH ?? '' };
const node = (code: string): [string, string[]] => [process.execPath, ['-e', code]];

describe('a command that may take long', () => {
  const failsAfterStandingStillForMs = 3_000;

  test('fails with its output once neither it nor its descendants make progress', async ({ folder }) => {
    const waits = "console.log('waits'); require('node:child_process').spawnSync('sleep', ['600'])";
    const run = runWhileProgressing(...node(waits), { cwd: folder, env, failsAfterStandingStillForMs });
    await expect(run).rejects.toThrow(/made no progress for 3 s:\nwaits/);
  });

  test('takes longer than that while a descendant uses the processor or prints', async ({ folder }) => {
    const busy = 'const end = Date.now() + 2_500; while (Date.now() < end);';
    const work = `for (let i = 0; i < 2; i++) require('node:child_process').spawnSync(process.execPath, ['-e', '${busy}']); console.log('done')`;
    expect(await runWhileProgressing(...node(work), { cwd: folder, env, failsAfterStandingStillForMs })).toBe('done\n');
  });

  test('rejects with its exit code and what it printed', async ({ folder }) => {
    const run = runWhileProgressing(...node("console.error('no such package'); process.exit(3)"), { cwd: folder, env });
    await expect(run).rejects.toThrow(/ended with 3:\nno such package/);
  });
});

describe('a folder of a test run', () => {
  test('is below the folder that the set-up of the run removes', () => {
    expect(process.env[RUN_FOLDER]).toMatch(`${tmpdir()}/sequent-run-`);
    expect(openFolderOfRun('one')).toMatch(`${process.env[RUN_FOLDER]}/sequent-one-`);
  });

  test('outside of a run is removed when its process ends', ({ folder }) => {
    const code = `import { openFolderOfRun } from '${new URL('../support/cli/processes/folder-of-run.ts', import.meta.url)}'; process.stdout.write(openFolderOfRun('one'));`;
    const args = ['--import', import.meta.resolve('tsx'), '--input-type=module', '-e', code];
    const { stdout, stderr } = spawnSync(process.execPath, args, { env: { ...env, TMPDIR: folder }, encoding: 'utf8' });
    expect(stdout, stderr).toMatch(`${folder}/sequent-one-`);
    expect(existsSync(stdout)).toBe(false);
  });
});
