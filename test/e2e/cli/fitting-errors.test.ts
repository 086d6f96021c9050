import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { serveSequent } from '#test/support/cli/cli.ts';
import { sharedByFile } from '#test/support/shared-by-file.ts';

async function open() {
  const folder = await mkdtemp(join(tmpdir(), 'sequent-errors-'));
  const sequent = await serveSequent(['--http-port', '0']);
  await writeFile(join(folder, 'code.mjs'), 'export const handler = () => 1;\n');
  await sequent.run(['fn', 'put', 'orders', '--file', 'code.mjs'], { cwd: folder });
  return {
    folder,
    run: (args: readonly string[], env = {}) => sequent.run(args, { cwd: folder, env }),
    async [Symbol.asyncDispose]() {
      await sequent[Symbol.asyncDispose]();
      await rm(folder, { recursive: true });
    },
  };
}
const test = sharedByFile(open);

describe('the title of an error', () => {
  test('names what is wrong: a value, an option, a command, a version, an alias or a delay', async ({ sequent: { run } }) => {
    const wrong: [string[], number, RegExp][] = [
      [['ls', '--limit', 'abc'], 2, /^error: a value is not valid\n.*'abc' is invalid/],
      [['ls', '--state', 'bogus'], 2, /^error: a value is not valid\n.*'bogus' is invalid/],
      [['get', 'x', '--limit', '3'], 2, /^error: the command has no such option\n.*--limit/],
      [['nosuch'], 2, /^error: there is no such command\n/],
      [['get'], 2, /^error: the command is incomplete or unknown\n/],
      [['fn', 'get', 'orders:v9'], 3, /^error: the function has no such version\n.*no version "v9"\n {2}try: sequent fn versions/],
      [['fn', 'get', 'orders:!prod'], 3, /^error: the function has no such alias\n.*no alias "prod"\n {2}try: sequent fn alias ls/],
      [['fn', 'get', 'nosuch'], 3, /^error: no such function\n/],
      [['invoke', 'orders', '--in', '400d', '-d', '{}'], 2, /delay 400 d must be at most 366 days ahead/],
      [['run', 'code.mjs', '-d', '{bad'], 2, /^error: the input is not valid\n {2}why: the payload is not JSON/],
    ];
    for (const [args, code, text] of wrong) {
      const { code: ended, stdout, stderr } = await run(args);
      expect({ args, ended, stdout }).toEqual({ args, ended: code, stdout: '' });
      expect(stderr).toMatch(text);
    }
  });

  test('of pull after a pause names both revisions, and says nothing of a change', async ({ sequent: { run } }) => {
    await run(['invoke', 'orders', '--id', 'pulled', '-d', '{}', '--wait']);
    await run(['fn', 'pause', 'orders']);
    const { code, stderr } = await run(['pull', 'pulled']);
    expect(code).toBe(0);
    expect(stderr).toMatch(/the attempt ran revision \d+ of orders; the user data, the timeout and the memory are those of revision \d+/);
    await run(['fn', 'resume', 'orders']);
  });
});

describe('a destination that names no function', () => {
  test('is refused at put, set and alias set; functions of one file may name each other (SRC5)', async ({ sequent: { run, folder } }) => {
    const refused = /policy\.onSuccess\[0\] cannot be used: function "nowhere" does not exist; define it first/;
    for (const args of [
      ['fn', 'put', 'sender', '--file', 'code.mjs', '--on-success', 'FunctionGraph=nowhere'],
      ['fn', 'set', 'orders', '--on-success', 'FunctionGraph=nowhere'],
      ['fn', 'alias', 'set', 'orders', 'prod', 'latest', '--on-success', 'FunctionGraph=nowhere'],
    ])
      expect(await run(args)).toMatchObject({ code: 2, stderr: expect.stringMatching(refused) });
    expect(await run(['fn', 'get', 'sender'])).toMatchObject({ code: 3 });
    const to = (name: string) => [{ destination: 'FunctionGraph', param: { func_urn: name } }];
    const both = ['one', 'two'].map((name, index) => ({
      name,
      handler: { kind: 'process', file: 'code.mjs' },
      policy: { allowCycle: true, onSuccess: to(index === 0 ? 'two' : 'one') },
    }));
    await writeFile(join(folder, 'both.json'), JSON.stringify(both));
    // Names are for programs: a line for each change, in English in every language.
    const rehearsed = await run(['fn', 'put', 'both.json', '--dry-run', '-o', 'name'], { LC_ALL: 'zh_CN.UTF-8' });
    const stderr = expect.stringContaining('（--dry-run）');
    expect(rehearsed).toEqual({ code: 0, stdout: 'function one: new\nfunction two: new\n', stderr });
    expect(await run(['fn', 'put', 'both.json'])).toMatchObject({ code: 0 });
  });
});
