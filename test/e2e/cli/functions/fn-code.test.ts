import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect } from 'vitest';
import { serveSequent } from '#test/support/cli/cli.ts';
import { sharedByFile } from '#test/support/shared-by-file.ts';

const sourceOf = (text: string): string => `import { suffix } from './suffix.mjs';\nexport const handler = () => '${text}' + suffix;\n`;

/** The function `orders`: `latest` says "new", its version v1 says "old". `work` is a folder for files. */
const test = sharedByFile(() => serveSequent([])).extend('work', { scope: 'file' }, async ({ sequent }) => {
  const work = join(sequent.dataDir, 'work');
  await mkdir(work);
  await writeFile(join(work, 'suffix.mjs'), `export const suffix = '!';\n`);
  for (const text of ['old', 'new']) {
    await writeFile(join(work, 'orders.mjs'), sourceOf(text));
    expect(await sequent.run(['fn', 'put', 'orders', '--file', './orders.mjs'], { cwd: work })).toMatchObject({ code: 0 });
    if (text === 'old') expect(await sequent.run(['fn', 'publish', 'orders', 'v1'])).toMatchObject({ code: 0 });
  }
  return work;
});

describe('sequent fn code', () => {
  test('prints the file that a version runs, as it was stored', async ({ sequent, work }) => {
    await writeFile(join(work, 'orders.mjs'), 'not put\n');
    expect(await sequent.run(['fn', 'code', 'orders:v1'])).toEqual({ code: 0, stdout: sourceOf('old'), stderr: '' });
    expect(await sequent.run(['fn', 'code', 'orders'])).toEqual({ code: 0, stdout: sourceOf('new'), stderr: '' });
    const { stdout } = await sequent.run(['fn', 'code', 'orders:v1', '--json']);
    const { version, files } = JSON.parse(stdout) as { version: string; files: { path: string }[] };
    expect([version, files.map(({ path }) => path).sort()]).toEqual(['v1', ['orders.mjs', 'suffix.mjs']]);
    expect((await sequent.run(['fn', 'code', 'orders', '--path', 'suffix.mjs'])).stdout).toBe(`export const suffix = '!';\n`);
  });

  test('writes the files of two versions, which diff compares, and into no folder that has files', async ({ sequent, work }) => {
    for (const [version, to] of [
      ['orders:v1', 'one'],
      ['orders', 'two'],
    ] as const) {
      const written = await sequent.run(['fn', 'code', version, '--to', join(work, to)]);
      expect(written).toMatchObject({ code: 0, stderr: expect.stringContaining('2 files written') });
    }
    const { stdout } = await promisify(execFile)('diff', ['-r', 'one', 'two'], { cwd: work }).catch((error: { stdout: string }) => error);
    expect(stdout.split('\n').filter((line) => /^[<>]/.test(line))).toEqual([
      `< export const handler = () => 'old' + suffix;`,
      `> export const handler = () => 'new' + suffix;`,
    ]);
    const again = await sequent.run(['fn', 'code', 'orders', '--to', join(work, 'one')]);
    expect(again).toMatchObject({ code: 2, stderr: expect.stringContaining('the folder is not empty') });
    expect(await readFile(join(work, 'one', 'orders.mjs'), 'utf8')).toBe(sourceOf('old'));
  });

  test('refuses a file or a version that is not there, and a function whose code is elsewhere', async ({ sequent, work }) => {
    expect(work).not.toBe('');
    const none = await sequent.run(['fn', 'code', 'orders', '--path', 'other.mjs']);
    expect(none).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('no such file') });
    expect(await sequent.run(['fn', 'code', 'orders:v9'])).toMatchObject({ code: 3, stdout: '' });
    expect(await sequent.run(['fn', 'put', 'resize', '--subject', 'images.resize'])).toMatchObject({ code: 0 });
    const elsewhere = await sequent.run(['fn', 'code', 'resize']);
    expect(elsewhere).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('Sequent does not store it') });
  });
});

describe('sequent fn alias set', () => {
  test('gives an alias its own policy, which stays when the alias is moved without one', async ({ sequent, work }) => {
    expect(work).not.toBe('');
    const policyOf = async (): Promise<unknown> => {
      const { stdout } = await sequent.run(['fn', 'alias', 'ls', 'orders', '--json']);
      return (JSON.parse(stdout) as { name: string; policy?: unknown }[]).find(({ name }) => name === 'prod')?.policy;
    };
    const set = await sequent.run(['fn', 'alias', 'set', 'orders', 'prod', 'v1', '--max-retries', '2', '--max-age', '2h']);
    expect(set).toMatchObject({ code: 0, stdout: 'orders:!prod → v1, with its own policy\n' });
    expect(await policyOf()).toMatchObject({ maxRetries: 2, maxAgeInSeconds: 7_200 });
    await sequent.run(['fn', 'alias', 'set', 'orders', 'prod', 'latest']);
    expect(await policyOf()).toMatchObject({ maxRetries: 2, maxAgeInSeconds: 7_200 });
    const refused = await sequent.run(['fn', 'alias', 'set', 'orders', 'prod', 'latest', '--max-retries', '99']);
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('maxRetries') });
  });
});

describe('sequent fn rm', () => {
  test('names the destinations, schedules, versions and aliases that depend on a function first', async ({ sequent }) => {
    const definition = (name: string, facts: object = {}) => ({ name, handler: { kind: 'subject', subject: name }, ...facts });
    const to = (func_urn: string) => [{ destination: 'FunctionGraph', param: { func_urn } }];
    const input = JSON.stringify([
      definition('ledger'),
      definition('till', { policy: { onSuccess: to('default:default:ledger:!prod') } }),
      definition('clerk', { policy: { onFailure: to('ledger') } }),
    ]);
    expect(await sequent.run(['fn', 'put', '-'], { input })).toMatchObject({ code: 0 });
    for (const command of [
      ['fn', 'publish', 'ledger', 'v1'],
      ['fn', 'alias', 'set', 'ledger', 'prod', 'v1'],
      ['schedule', 'put', 'close-books', '--cron', '0 3 1 1 *', '--function', 'ledger'],
    ])
      expect(await sequent.run(command)).toMatchObject({ code: 0 });
    const [clerk, till, schedule] = [
      'clerk notifies ledger on failure; those deliveries will fail\n',
      'till notifies ledger:!prod on success; those deliveries will fail\n',
      'the schedule close-books invokes ledger; its invocations will fail\n',
    ];
    const refused = await sequent.run(['fn', 'rm', 'ledger']);
    expect(refused).toMatchObject({ code: 2, stdout: '' });
    for (const line of ['ledger: its versions and aliases are removed with it: v1, !prod\n', clerk, till, schedule])
      expect(refused.stderr).toContain(line);
    expect((await sequent.run(['fn', 'alias', 'rm', 'ledger', 'prod', '--dry-run'])).stderr).toContain(till);
    const alias = await sequent.run(['fn', 'rm', 'ledger:!prod', '--yes']);
    expect(alias).toEqual({ code: 0, stdout: 'removed ledger:!prod\n', stderr: till });
    const both = await sequent.run(['fn', 'rm', 'ledger', 'till', '--yes']);
    expect(both).toMatchObject({ code: 0, stdout: 'removed ledger\nremoved till\n' });
    expect(both.stderr).toContain(clerk + schedule);
    expect(both.stderr).not.toContain('till notifies');
    const rest = await Promise.all([sequent.run(['fn', 'rm', 'clerk', '--yes']), sequent.run(['schedule', 'rm', 'close-books'])]);
    expect(rest).toMatchObject([
      { code: 0, stderr: '' },
      { code: 0, stderr: '' },
    ]);
  });
});
