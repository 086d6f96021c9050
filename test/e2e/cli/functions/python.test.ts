import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect } from 'vitest';
import { runCli, serveSequent, startDev } from '#test/support/cli/cli.ts';
import { attachDebugger } from '#test/support/cli/debug-adapter.ts';
import { removeDataFolder } from '#test/support/data-folders.ts';
import { freePort } from '#test/support/free-port.ts';
import { hasPython, python } from '#test/support/hosts/python.ts';
import { sharedByFile } from '#test/support/shared-by-file.ts';

const greet = (text: string): string =>
  `import shared\nprint('loaded')\n\ndef handler(event, context):\n    return '${text} ' + event.get('name', shared.NAME)\n`;

/** The package debugpy of this Python, or of the folders that PYTHONPATH names. */
const { PYTHONPATH } = process.env;
const debugpyFlags = PYTHONPATH === undefined ? [] : ['--user-data', `PYTHONPATH=${PYTHONPATH}`];
const hasDebugpy = python !== undefined && spawnSync(python.command, ['-s', '-c', 'import debugpy']).status === 0;

async function open() {
  const folder = await mkdtemp(join(tmpdir(), 'sequent-python-'));
  const sequent = await serveSequent(['--http-port', '0']);
  return {
    folder,
    run: (args: readonly string[], env: Record<string, string> = {}) => sequent.run(args, { cwd: folder, env }),
    async [Symbol.asyncDispose]() {
      await sequent[Symbol.asyncDispose]();
      await removeDataFolder(folder);
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
    ['en', 'error: the runtime does not fit the file', 'python3 cannot run index.js: the name of a file of Python ends with .py'],
    ['zh_CN.UTF-8', '错误： 运行时与文件不符', 'python3 无法运行 index.js：Python 文件的名称以 .py 结尾'],
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

  test("runs the forms of FunctionGraph's samples, and the worked example of the source document (SRC10)", async ({
    sequent: { run, folder },
  }) => {
    const sample = (name: string): string => fileURLToPath(new URL(`../../../support/programs/${name}.py`, import.meta.url));
    const put = async (name: string, ...flags: string[]) => expect(await run(['fn', 'put', name, ...flags])).toMatchObject({ code: 0 });
    const valueFrom = async (name: string, event: string): Promise<unknown> =>
      JSON.parse((await run(['invoke', name, '-d', event, '--wait', '-o', 'jsonl'])).stdout).value;
    await put('sample-hello', '--file', sample('hello'), '--initializer', 'hello.initializer');
    expect(await valueFrom('sample-hello', '{"a":1}')).toMatchObject({ statusCode: 200, body: '{"a": 1}' });
    await put('sample-environment', '--file', sample('environment'), '--user-data', 'region=eu-de', '--user-data', 'password=s3cret');
    expect(await valueFrom('sample-environment', '{}')).toMatchObject({ region: ['eu-de', 'eu-de', null], hasTime: true });
    await put('sample-obs', '--file', sample('obs_event'));
    const obs = { bucket: { name: 'pictures' }, object: { key: 'a+b.png' } };
    const event = JSON.stringify({ Records: [{ eventName: 'ObjectCreated:Post', obs }] });
    expect(await valueFrom('sample-obs', event)).toEqual({ objects: ['pictures/a b.png'] });

    const logging = 'import json\ndef handler(event, context):\n    print("received " + json.dumps(event))\n';
    const sometimes =
      "def handler(event, context):\n    if event.get('fails'): raise ValueError('out of stock')\n    return 'hello world!'\n";
    await writeFile(join(folder, 'logging.py'), logging);
    await writeFile(join(folder, 'sometimes.py'), sometimes);
    for (const name of ['test2', 'test3']) await put(name, '--file', 'logging.py');
    const destinations = ['--on-success', 'FunctionGraph=test2', '--on-failure', 'FunctionGraph=test3'];
    await put('test1', '--file', 'sometimes.py', '--max-retries', '0', ...destinations);
    for (const [fails, told, condition] of [
      [false, 'test2', ''],
      [true, 'test3', 'UnhandledInvocationError'],
    ] as const) {
      await run(['invoke', 'test1', '-d', JSON.stringify({ aaa: 123, fails }), '--wait']);
      const envelope = async () => /received (\{.*\})/.exec((await run(['logs', told])).stdout)?.[1] ?? '{}';
      await expect
        .poll(async () => JSON.parse(await envelope()), { timeout: 30_000 })
        .toMatchObject({
          request_context: { condition, approximate_invoke_count: 1 },
          request_payload: JSON.stringify({ aaa: 123, fails }),
        });
    }
  });

  test('imports from its layers as if they were in its folder, and is refused without them', async ({ sequent: { run, folder } }) => {
    await mkdir(join(folder, 'layer/dependency'), { recursive: true });
    await writeFile(join(folder, 'layer/dependency/__init__.py'), "NAME = 'layered'\n");
    await mkdir(join(folder, 'imports'), { recursive: true });
    const code = 'import dependency\n\ndef handler(event, context):\n    return dependency.NAME\n';
    await writeFile(join(folder, 'imports/index.py'), code);
    const refused = await run(['fn', 'put', 'layered', '--folder', 'imports']);
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('the module "dependency" is neither in the package') });
    expect(await run(['fn', 'layer', 'put', 'dependency', '--file', 'layer'])).toMatchObject({ code: 0 });
    for (const source of [
      ['--folder', 'imports'],
      ['--file', 'imports/index.py'],
    ])
      expect(await run(['fn', 'put', 'layered', ...source, '--layer', 'dependency:1'])).toMatchObject({ code: 0 });
    expect((await run(['invoke', 'layered', '-d', '{}', '--wait'])).stdout).toBe('layered\n');
    // New code keeps the layers, also where it is deployed from a folder.
    expect(await run(['fn', 'code', 'put', 'layered', '--folder', 'imports'])).toMatchObject({ code: 0 });
    expect(await run(['fn', 'export', 'with-layer', 'layered'])).toMatchObject({ code: 0 });
    await writeFile(join(folder, 'with-layer/code/layered/index.py'), code.replace('dependency.NAME', "'deployed ' + dependency.NAME"));
    expect(await run(['fn', 'deploy', 'with-layer'])).toMatchObject({ code: 0 });
    expect((await run(['invoke', 'layered', '-d', '{}', '--wait'])).stdout).toBe('deployed layered\n');
  });

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

  test('gets and returns numbers beyond 2^53 as they are, also in a file of pull and in JSON output', async ({
    sequent: { run, folder },
  }) => {
    await writeFile(join(folder, 'same.py'), 'def handler(event, context):\n    return event\n');
    expect(await run(['fn', 'put', 'same', '--file', 'same.py'])).toMatchObject({ code: 0 });
    const text = '{"id":9007199254740993,"list":[12345678901234567890]}';
    expect(JSON.parse((await run(['fn', 'event', 'put', 'same', 'large', '-d', text, '--json'])).stdout)).toMatchObject({ text });
    expect((await run(['fn', 'event', 'ls', 'same'])).stdout).toContain(text);
    const { stdout } = await run(['invoke', 'same', '--id', 'same-1', '--test-event', 'large', '--wait', '-o', 'jsonl']);
    expect(stdout.replaceAll(' ', '')).toContain(`"value":${text}`);
    expect(await run(['pull', 'same-1', '--to', 'same.event.json'])).toMatchObject({ code: 0 });
    expect((await run(['run', 'same.py', '--event', 'same.event.json'])).stdout.replaceAll(' ', '')).toBe(`${text}\n`);
  });
});

test.skipIf(!hasDebugpy)(
  'a debugger stops in what run executes with the event that pull wrote, and goes on',
  async ({ sequent: { run, folder } }) => {
    const code = "def handler(event, context):\n    name = event['name']\n    return 'hello ' + name\n";
    await writeFile(join(folder, 'debugged.py'), code);
    expect(await run(['fn', 'put', 'debugged', '--file', 'debugged.py'])).toMatchObject({ code: 0 });
    expect(await run(['invoke', 'debugged', '--id', 'debugged-1', '-d', '{"name":"Ada"}', '--wait'])).toMatchObject({ code: 0 });
    expect(await run(['pull', 'debugged-1', '--to', 'debugged.event.json'])).toMatchObject({ code: 0 });
    const port = await freePort();
    const flags = ['--event', join(folder, 'debugged.event.json'), `--inspect-brk=127.0.0.1:${port}`, ...debugpyFlags];
    let onListening = (): void => {};
    const listening = new Promise<void>((resolve) => {
      onListening = resolve;
    });
    const running = runCli(['run', join(folder, 'debugged.py'), ...flags], {
      onStderr: (text) => {
        if (text.includes(`a debugger can connect to 127.0.0.1:${port}`)) onListening();
      },
    });
    await Promise.race([listening, running]);
    const editor = await attachDebugger(port);
    editor.send('initialize', { adapterID: 'python', pathFormat: 'path' });
    await editor.next('initialize');
    editor.send('attach', { justMyCode: false });
    await editor.next('initialized');
    editor.send('setBreakpoints', { source: { path: join(folder, 'debugged.py') }, breakpoints: [{ line: 3 }] });
    editor.send('configurationDone');
    const { body } = await editor.next('stopped');
    editor.send('stackTrace', { threadId: body?.threadId });
    expect((await editor.next('stackTrace')).body?.stackFrames?.[0]?.line).toBe(3);
    editor.send('continue', { threadId: body?.threadId });
    // The adapter of the debugger holds the output open until its client leaves.
    await editor.next('terminated');
    editor.close();
    expect(await running).toMatchObject({ code: 0, stdout: 'hello Ada\n' });
  },
);

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
    expect(dev.stderr()).toMatch(/misfit: not put[\s\S]*python3 cannot run misfit\.mjs: the name of a file of Python ends with \.py/);
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
    await removeDataFolder(folder);
  }
});
