import { chmod, mkdir, mkdtemp, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { writeZip } from '#src/core/zip/write-zip.ts';
import { runCli, serveSequent, startDev } from '#test/support/cli/cli.ts';
import { removeDataFolder } from '#test/support/data-folders.ts';
import { processesWith } from '#test/support/hosts/sandboxed-host.ts';
import { sharedByFile } from '#test/support/shared-by-file.ts';

/** The program of a custom runtime, which answers with a text, its handler, and a file beside it. */
const program = (says: string): string => `#!${process.execPath}
const { readFileSync, existsSync } = require('node:fs');
const api = 'http://' + process.env.RUNTIME_API_ADDR + '/v1/runtime/invocation';
const beside = __dirname + '/beside.txt';
(async () => {
  for (;;) {
    const request = await fetch(api + '/request');
    const id = request.headers.get('x-cff-request-id');
    const { name } = await request.json();
    console.log('request ' + id);
    const text = ['${says}', name, process.env.RUNTIME_HANDLER, existsSync(beside) ? readFileSync(beside, 'utf8') : 'alone'].join(' ');
    if (name === 'bad') await fetch(api + '/error/' + id, { method: 'POST', body: '{"errorType":"Bad","errorMessage":"no ' + name + '"}' });
    else await fetch(api + '/response/' + id, { method: 'POST', body: text });
  }
})();
`;

async function open() {
  const folder = await mkdtemp(join(tmpdir(), 'sequent-programs-'));
  const sequent = await serveSequent(['--http-port', '0']);
  return {
    folder,
    run: (args: readonly string[]) => sequent.run(args, { cwd: folder }),
    async [Symbol.asyncDispose]() {
      await sequent[Symbol.asyncDispose]();
      await removeDataFolder(folder);
    },
  };
}
const test = sharedByFile(open);

async function placeProgram(folder: string, says: string, mode = 0o755): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'bootstrap'), program(says));
  await chmod(join(folder, 'bootstrap'), mode);
  await writeFile(join(folder, 'beside.txt'), 'beside');
}

describe('a program in any language on the command line', () => {
  test('is put from a folder, from a zip archive, and as its file, which stands for its folder', async ({ sequent: { run, folder } }) => {
    await placeProgram(join(folder, 'greet'), 'hello');
    const files = [{ path: 'bootstrap', content: Buffer.from(program('zipped')), isExecutable: true as const }];
    await writeFile(join(folder, 'greet.zip'), await writeZip(files));
    for (const [flags, says, runtime] of [
      [['--runtime', 'custom', '--file', 'greet'], 'hello Ada handler beside\n', { runtime: 'custom' }],
      [['--file', 'greet.zip'], 'zipped Ada handler alone\n', {}],
      [['--file', 'greet/bootstrap', '--handler', 'index.other'], 'hello Ada other beside\n', {}],
    ] as const) {
      const put = await run(['fn', 'put', 'greet', ...flags, '--json']);
      expect(put).toMatchObject({ code: 0 });
      expect((JSON.parse(put.stdout) as { handler: object }).handler).toMatchObject({ file: 'bootstrap', ...runtime });
      expect((await run(['invoke', 'greet', '-d', '{"name":"Ada"}', '--wait'])).stdout).toBe(says);
    }
    expect(await run(['invoke', 'greet', '--id', 'bad-1', '-d', '{"name":"bad"}', '--wait'])).toMatchObject({ code: 1 });
    expect((await run(['get', 'bad-1'])).stdout).toMatch(/Bad: function invocation exception, error: no bad/);
  });

  test('is refused when it is not executable, or the package has none', async ({ sequent: { run, folder } }) => {
    await placeProgram(join(folder, 'plain'), 'hello', 0o644);
    await mkdir(join(folder, 'empty'), { recursive: true });
    await writeFile(join(folder, 'empty/main.go'), '');
    for (const [path, why] of [
      ['plain', /the file is not executable[\s\S]*chmod \+x/],
      ['plain/bootstrap', /the file is not executable/],
      ['empty', /and no bootstrap/],
      ['empty/main.go', /custom cannot run main\.go: the name of a file of Custom ends with bootstrap/],
    ] as const)
      expect(await run(['fn', 'put', 'refused', '--runtime', 'custom', '--file', path])).toMatchObject({
        code: 2,
        stderr: expect.stringMatching(why),
      });
  });

  test('is exported, deployed and run in a terminal with its mode', async ({ sequent: { run, folder } }) => {
    await placeProgram(join(folder, 'moved'), 'moved');
    expect(await run(['fn', 'put', 'moved', '--runtime', 'custom', '--file', 'moved'])).toMatchObject({ code: 0 });
    expect(await run(['fn', 'export', 'exported', 'moved'])).toMatchObject({ code: 0 });
    const exported = join(folder, 'exported/code/moved/bootstrap');
    expect((await stat(exported)).mode & 0o777).toBe(0o755);
    expect(await readFile(exported, 'utf8')).toBe(program('moved'));
    expect(await run(['fn', 'deploy', 'exported', '--plan', '--json'])).toMatchObject({ code: 0 });
    expect(await run(['run', exported, '-d', '{"name":"Ada"}'])).toMatchObject({
      code: 0,
      stdout: 'moved Ada handler beside\n',
      stderr: expect.stringContaining('request '),
    });
    expect(await run(['run', exported, '-d', '{"name":"bad"}'])).toMatchObject({ code: 1, stderr: expect.stringContaining('no bad') });
    const url = "'http://' + process.env.RUNTIME_API_ADDR + '/v1/runtime/invocation/request'";
    await writeFile(exported, `#!${process.execPath}\nfetch(${url}).then(() => setInterval(() => {}, 1_000));\n`);
    expect(await run(['run', exported, '-d', '{}', '--timeout', '200ms'])).toMatchObject({ code: 7 });
    await expect.poll(() => processesWith(exported), { timeout: 60_000 }).toBe(0);
  });

  test('finds the files of the layers that it names, and keeps them with new code', async ({ sequent: { run, folder } }) => {
    await mkdir(join(folder, 'shared'), { recursive: true });
    await writeFile(join(folder, 'shared/beside.txt'), 'from a layer');
    await mkdir(join(folder, 'lonely'), { recursive: true });
    await writeFile(join(folder, 'lonely/bootstrap'), program('lonely'), { mode: 0o755 });
    await writeFile(join(folder, 'broken.zip'), 'no archive');
    expect(await run(['fn', 'layer', 'put', 'shared', '--file', 'broken.zip'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('the zip archive is no zip archive'),
    });
    expect((await run(['fn', 'layer', 'put', 'shared', '--file', 'shared'])).stdout).toBe('the layer shared:1 is stored\n');
    expect(await run(['fn', 'put', 'layered', '--file', 'lonely', '--layer', 'shared:1'])).toMatchObject({ code: 0 });
    const says = async () => (await run(['invoke', 'layered', '-d', '{"name":"Ada"}', '--wait'])).stdout;
    expect(await says()).toBe('lonely Ada handler from a layer\n');
    await writeFile(join(folder, 'lonely/bootstrap'), program('again'));
    expect(await run(['fn', 'code', 'put', 'layered', '--file', 'lonely'])).toMatchObject({ code: 0 });
    expect((await run(['fn', 'layer', 'rm', 'shared:1'])).stdout).toBe('removed the layer shared:1\n');
    expect(await says()).toBe('again Ada handler from a layer\n');
    expect(await run(['fn', 'export', 'with-layers', 'layered'])).toMatchObject({ code: 0 });
    expect(await readdir(join(folder, 'with-layers/layers'))).toEqual([expect.stringMatching(/^[0-9a-f]{128}\.zip$/)]);
    expect((await run(['fn', 'deploy', 'with-layers', '--json'])).stdout).toContain('"unchanged"');
    expect(await run(['fn', 'put', 'layered', '--file', 'lonely', '--layer', 'shared'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('the layer shared'),
    });
  });
});

test('sequent dev runs the saved program of a folder', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sequent-dev-program-'));
  try {
    await placeProgram(join(folder, 'greet'), 'first');
    await using dev = await startDev(folder);
    const invoke = async (): Promise<string> => (await dev.run(['invoke', 'greet', '-d', '{"name":"Ada"}', '--wait'])).stdout;
    expect(await invoke()).toBe('first Ada handler beside\n');
    await writeFile(join(folder, 'greet/beside.txt'), 'changed');
    await dev.says(/^greet: put again, \d+ ms$/m);
    expect(await invoke()).toBe('first Ada handler changed\n');
    expect(await runCli(['run', join(folder, 'greet/bootstrap'), '-d', '{"name":"Ada"}'])).toMatchObject({ code: 0 });
  } finally {
    await removeDataFolder(folder);
  }
});
