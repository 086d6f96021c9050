import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { runCli, serveSequent, startDev } from '#test/support/cli/cli.ts';
import { hasPython } from '#test/support/hosts/python.ts';
import { sharedByFile } from '#test/support/shared-by-file.ts';

const greet = (text: string): string =>
  `import shared\nprint('loaded')\n\ndef handler(event, context):\n    return '${text} ' + event.get('name', shared.NAME)\n`;

async function open() {
  const folder = await mkdtemp(join(tmpdir(), 'sequent-python-'));
  const sequent = await serveSequent(['--http-port', '0']);
  return {
    folder,
    run: (args: readonly string[], env: Record<string, string> = {}) => sequent.run(args, { cwd: folder, env }),
    async [Symbol.asyncDispose]() {
      await sequent[Symbol.asyncDispose]();
      await rm(folder, { recursive: true });
    },
  };
}
const test = sharedByFile(open);

test.beforeAll(async ({ sequent: { folder } }) => {
  await writeFile(join(folder, 'greet.py'), greet('hello'));
  await writeFile(join(folder, 'shared.py'), "NAME = 'world'\n");
  await writeFile(join(folder, 'index.js'), 'exports.handler = () => 1;\n');
  await mkdir(join(folder, 'both'));
  await writeFile(join(folder, 'both/index.py'), "def handler(event, context):\n    return 'python'\n");
  await writeFile(join(folder, 'both/index.js'), "exports.handler = () => 'nodejs';\n");
});

describe.skipIf(!hasPython)('a function in Python on the command line', () => {
  const handlerOf = (stdout: string): unknown => (JSON.parse(stdout) as { handler: unknown }).handler;

  test('has the version that --runtime names, which a replacement of its code keeps', async ({ sequent: { run } }) => {
    const stored = async (...args: string[]): Promise<unknown> => handlerOf((await run([...args, '--json'])).stdout);
    expect(await stored('fn', 'put', 'named', '--file', 'greet.py', '--runtime', 'python3.12')).toMatchObject({ runtime: 'python3.12' });
    expect((await run(['invoke', 'named', '-d', '{}', '--wait'])).stdout).toBe('hello world\n');
    expect(await stored('fn', 'put', 'named', '--file', 'greet.py')).toMatchObject({ runtime: 'python3.12' });
    expect(await stored('fn', 'code', 'put', 'named', '--file', 'greet.py')).toMatchObject({ runtime: 'python3.12' });
    // Of two files of one name, that of the language of the function runs.
    const both = ['fn', 'code', 'put', 'named', '--folder', 'both', '--handler', 'index.handler'];
    expect(await stored(...both)).toMatchObject({ file: 'index.py', runtime: 'python3.12' });
    expect(await stored(...both, '--runtime', 'python3.9')).toMatchObject({ runtime: 'python3.9' });
    expect(await stored(...both, '--runtime', 'nodejs')).toMatchObject({ file: 'index.js', runtime: 'nodejs' });
    const former = await stored('fn', 'code', 'put', 'named', '--file', 'greet.py');
    expect(former).toEqual(expect.not.objectContaining({ runtime: expect.anything() }));
  });

  test.for([
    ['en', 'error: the runtime does not fit the file', 'python3 cannot run index.js: the extension of a file of Python is .py'],
    ['zh_CN.UTF-8', '错误： 运行时与文件不符', 'python3 无法运行 index.js：Python 文件的扩展名是 .py'],
  ] as const)(
    'is refused for a file of another language, in the language %s of the person',
    async ([LANG, what, why], { sequent: { run, folder } }) => {
      await writeFile(join(folder, 'misfit.json'), '{"name":"misfit","handler":{"kind":"process","file":"index.js","runtime":"python3"}}');
      await mkdir(join(folder, 'deployed'), { recursive: true });
      await writeFile(join(folder, 'deployed/index.js'), 'exports.handler = () => 1;\n');
      const handler = { kind: 'process', file: 'index.js', runtime: 'python3' };
      await writeFile(join(folder, 'deployed/sequent.json'), JSON.stringify({ functions: { misfit: { handler } } }));
      for (const args of [
        ['fn', 'put', 'misfit', '--file', 'index.js', '--runtime', 'python3'],
        ['fn', 'code', 'put', 'named', '--file', 'index.js', '--runtime', 'python3'],
        ['fn', 'put', 'misfit.json'],
        ['fn', 'deploy', 'deployed'],
      ]) {
        const { code, stdout, stderr } = await run(args, { LANG });
        expect([args, code, stdout, stderr]).toEqual([args, 2, '', expect.stringMatching(`${what}[\\s\\S]*${why}`)]);
      }
      expect((await run(['fn', 'get', 'misfit'])).code).toBe(3);
    },
  );

  test('is exported and deployed with its version, its code and no change', async ({ sequent: { run, folder } }) => {
    expect(await run(['fn', 'put', 'moved', '--file', 'greet.py', '--runtime', 'python3.9'])).toMatchObject({ code: 0 });
    expect(await run(['fn', 'export', 'exported', 'moved'])).toMatchObject({ code: 0 });
    expect(await readFile(join(folder, 'exported/code/moved/greet.py'), 'utf8')).toBe(greet('hello'));
    const plan = await run(['fn', 'deploy', 'exported', '--plan', '--json']);
    expect(plan).toMatchObject({ code: 0 });
    expect(await run(['fn', 'rm', 'moved', '--yes'])).toMatchObject({ code: 0 });
    await writeFile(join(folder, 'exported/code/moved/greet.py'), greet('deployed'));
    expect(await run(['fn', 'deploy', 'exported'])).toMatchObject({ code: 0 });
    expect((await run(['invoke', 'moved', '-d', '{}', '--wait'])).stdout).toBe('deployed world\n');
    expect(handlerOf((await run(['fn', 'get', 'moved', '--json'])).stdout)).toMatchObject({ file: 'greet.py', runtime: 'python3.9' });
  });

  test('is executed again by run, with the event that pull wrote', async ({ sequent: { run, folder } }) => {
    await writeFile(
      join(folder, 'picky.py'),
      `def handler(event, context):\n    if context.attempt == 1: raise ValueError('no ' + event['name'])\n    return context.getUserData('A')\n`,
    );
    const flags = ['--file', 'picky.py', '--user-data', 'A=a', '--max-retries', '1', '--backoff', '10ms'];
    expect(await run(['fn', 'put', 'picky', ...flags])).toMatchObject({ code: 0 });
    expect((await run(['invoke', 'picky', '--id', 'picky-1', '-d', '{"name":"Ada"}', '--wait'])).stdout).toBe('a\n');
    expect(await run(['pull', 'picky-1', '--attempt', '1', '--to', 'picky.event.json'])).toMatchObject({ code: 0 });
    const again = await run(['run', 'picky.py', '--event', 'picky.event.json']);
    expect(again).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(/ValueError: .*no Ada\n[\s\S]*picky\.py.*line 2/) });
    expect(await run(['run', 'picky.py', '--event', 'picky.event.json', '--attempt', '2'])).toMatchObject({ code: 0, stdout: 'a\n' });
  });
});

test.skipIf(!hasPython)('sequent dev runs saved Python, keeps the old code after a syntax error, and takes a version', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sequent-dev-python-'));
  try {
    await writeFile(join(folder, 'greet.py'), greet('first'));
    await writeFile(join(folder, 'shared.py'), "NAME = 'world'\n");
    await writeFile(join(folder, 'misfit.mjs'), 'export const handler = () => 1;\n');
    await writeFile(join(folder, 'sequent.json'), '{"functions":{"greet":{"runtime":"python3.9"},"misfit":{"runtime":"python3"}}}');
    await using dev = await startDev(folder);
    const invoke = async (): Promise<string> => (await dev.run(['invoke', 'greet', '-d', '{}', '--wait'])).stdout;
    expect(dev.stderr()).toMatch(/functions {2}greet {2}greet\.py\n/);
    expect(dev.stderr()).toMatch(/misfit: not put[\s\S]*python3 cannot run misfit\.mjs: the extension of a file of Python is \.py/);
    expect(await invoke()).toBe('first world\n');
    await writeFile(join(folder, 'greet.py'), greet('second'));
    await dev.says(/^greet: put again, \d+ ms$/m);
    expect(await invoke()).toBe('second world\n');
    await writeFile(join(folder, 'greet.py'), `${greet('third')}return (\n`);
    await dev.says(/^greet: not put; the code of \d\d:\d\d:\d\d still runs\n.*greet\.py:6:\d+: SyntaxError/m);
    expect(await invoke()).toBe('second world\n');
    await writeFile(join(folder, 'shared.py'), "NAME = 'Ada'\n");
    await writeFile(join(folder, 'greet.py'), greet('third'));
    await dev.says(/still runs[\s\S]*\ngreet: put again, \d+ ms$/m);
    await expect.poll(invoke, { timeout: 30_000 }).toBe('third Ada\n');
    const { handler } = JSON.parse((await dev.run(['fn', 'get', 'greet', '--json'])).stdout) as { handler: object };
    expect(handler).toMatchObject({ file: 'greet.py', runtime: 'python3.9' });
    expect(await runCli(['run', join(folder, 'greet.py'), '-d', '{}'])).toMatchObject({ code: 0, stdout: 'third Ada\n' });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
