import { mkdir, mkdtemp, readFile, symlink, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type DevelopedFolder, runCli, startDev } from '#test/support/cli/cli.ts';
import { removeDataFolder } from '#test/support/data-folders.ts';
import { serversOn } from '#test/support/nats/embedded-servers.ts';

let folder: string;
let dev: DevelopedFolder;

async function save(files: Record<string, string>): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sequent-dev-'));
  await save({
    'app/hello.mjs': "import { text } from '../shared/text.mjs';\nimport dep from 'dep';\nexport const handler = () => [text, dep];\n",
    'app/broken.mjs': 'export const handler = () => {\n  return { a b };\n};\n',
    'app/hello.test.mjs': "import { handler } from './hello.mjs';\nhandler();\n",
    'app/library.mjs': "export const note = 'no handler of its own';\n",
    'app/sequent.json': '{ "functions": { "hello": { "description": "of sequent.json" } } }',
    'shared/text.mjs': "export const text = 'first';\n",
    'app/node_modules/dep/index.js': 'module.exports = 1;\n',
  });
  // The paths of a link and of its target differ.
  await symlink(join(folder, 'app'), join(folder, 'link'));
  dev = await startDev(join(folder, 'link'));
});
afterAll(async () => {
  await dev?.[Symbol.asyncDispose]();
  await removeDataFolder(folder);
});

const invoke = async (name: string, event: object = {}): Promise<string> =>
  (await dev.run(['invoke', name, '-d', JSON.stringify(event), '--wait'])).stdout.trim();

test('sequent dev creates a first function with types in a folder without code, and in no other', async () => {
  const own = await mkdtemp(join(tmpdir(), 'sequent-dev-'));
  try {
    await writeFile(join(own, 'package.json'), '{}');
    await using first = await startDev(own);
    expect(first.stderr()).toContain('created hello.ts, a first function\n');
    expect((await first.run(['invoke', 'hello', '-d', '{"name":"Ada"}', '--wait'])).stdout.trim()).toBe('{"hello":"Ada"}');
    expect(await readFile(join(own, 'hello.ts'), 'utf8')).toContain("import type { HandlerContext } from 'sequent-functions/client';");
  } finally {
    await removeDataFolder(own);
  }
});

describe('sequent dev', () => {
  test('shows the addresses, the functions, and how to invoke one', () => {
    expect(dev.stderr()).toContain(`NATS       ${dev.url}\n`);
    expect(dev.stderr()).toMatch(/functions {2}broken {2}broken\.mjs, not put yet\n {13}hello {2}hello\.mjs\n/);
    expect(dev.stderr()).toContain("sequent invoke hello -d '");
    expect(dev.stderr()).toMatch(/curl -H 'Prefer: wait=5' -d '.*' http:\/\/127\.0\.0\.1:\d+\/api\/functions\/hello\/invocations/);
    expect(dev.stderr()).toContain(`nats --server ${dev.url} pub invoke.hello `);
    expect(dev.stderr()).toContain('broken: not put\n  ');
    expect(dev.stderr()).toContain('broken.mjs:2:14: Expected "}" but found "b"\n    2 |   return { a b };\n');
    expect(dev.stderr()).toContain(
      'ignored    hello.test.mjs: it is a test\n             library.mjs: it exports no handler and no function as its default\n',
    );
    expect(dev.stderr()).not.toContain('text.mjs: it exports');
  });

  test('runs a saved change of an imported file with the next attempt, and says so', async () => {
    expect(await invoke('hello')).toBe('["first",1]');
    await save({ 'shared/text.mjs': "export const text = 'second';\n" });
    await dev.says(/^hello: put again, \d+ ms$/m);
    expect(await invoke('hello')).toBe('["second",1]');
    const { description } = JSON.parse((await dev.run(['fn', 'get', 'hello', '--json'])).stdout);
    expect(description).toBe('of sequent.json');
  });

  test('makes a function of a default export that is a function, and of no other', async () => {
    await save({ 'app/greets.ts': 'export default async (event: { name: string }) => [\'hello\', event.name].join(" ");\n' });
    await dev.says(/^greets: put, \d+ ms$/m);
    expect(await invoke('greets', { name: 'Ada' })).toBe('hello Ada');
    await save({ 'app/greets.ts': 'export default { name: 1 };\n' });
    await dev.says(/^greets: removed, because greets\.ts exports no handler any more$/m);
  });

  test('keeps the old code after a broken save, and shows the line', async () => {
    await save({ 'shared/text.mjs': "export const text = 'third'\n;;; }\n" });
    await dev.says(/^hello: not put; the code of \d\d:\d\d:\d\d still runs\n.*text\.mjs:2:5: Unexpected "}"\n {4}2 \| ;;; }$/m);
    expect(await invoke('hello')).toBe('["second",1]');
    await save({ 'shared/text.mjs': "export const text = 'third';\n" });
    await dev.says(/still runs[\s\S]*\nhello: put again, \d+ ms$/m);
    expect(await invoke('hello')).toBe('["third",1]');
  });

  test('prints each attempt as one line, and the stack of a failed one with positions in TypeScript', async () => {
    await save({
      'app/orders/index.ts': `type Order = { id: number };

export const config = { policy: { maxRetries: 1, backoff: { initialInMs: 10 } }, userData: { A: 'a' }, secretUserData: { TOKEN: 'hush' } };

export const handler = async (order: Order, context: { attempt: number }): Promise<number> => {
  console.log('order', order.id);
  if (context.attempt === 1) throw new Error('out of stock');
  return order.id;
};
`,
    });
    await dev.says(/^orders: put, \d+ ms$/m);
    await dev.run(['invoke', 'orders', '--id', 'order-1', '-d', '{"id":7}', '--wait']);
    await dev.prints(/order-1 {2}attempt 2 /);
    const lines = dev.stdout();
    expect(lines).toMatch(/^[\d:.]+ {2}orders {2}order-1 {2}attempt 1 {2}~ retrying, next in \d+ ms {2}[\d.]+ m?s\n/m);
    // A slow attempt has its output below its running line, and a fast one below its last line: once in any case.
    expect(lines.match(/^[\d:.]+ {2}orders {2}order-1 {2}attempt \d {2}.*\n {2}\| order 7\n/gm)).toHaveLength(2);
    expect(lines.match(/^ {2}\| order 7\n/gm)).toHaveLength(2);
    expect(lines).toContain("  Error: out of stock\n    7 |   if (context.attempt === 1) throw new Error('out of stock');\n");
    expect(lines).toMatch(/at handler \(.*app\/orders\/index\.ts:7:36\)\n/);
    expect(lines).toMatch(/^[\d:.]+ {2}orders {2}order-1 {2}attempt 2 {2}\+ succeeded {2}[\d.]+ m?s\n/m);
  });

  test('offers an example event that follows the zod schema which the file exports', async () => {
    await symlink(resolve('node_modules/zod'), join(folder, 'app/node_modules/zod'));
    const example = async (): Promise<unknown> => {
      const [http] = /http:\/\/127\.0\.0\.1:\d+/.exec(dev.stderr()) ?? [];
      const answer = await fetch(`${http}/api/functions/checked/test-events`);
      return ((await answer.json()) as { example?: string }).example;
    };
    const code = (schema: string) =>
      `import { z } from 'zod';\nexport const input = z.object(${schema});\nexport const handler = (event) => input.parse(event);\n`;
    await save({ 'app/checked.mjs': code('{ id: z.int().positive() }') });
    await dev.says(/^checked: put, \d+ ms$/m);
    expect(await example()).toBe('{"id":1}');
    await save({ 'app/checked.mjs': code('{ id: z.enum(["a"]) }') });
    await dev.says(/^checked: put again, \d+ ms$/m);
    expect(await example()).toBe('{"id":"a"}');
  });

  test('pull writes a recorded attempt, which run executes with the context that it had', async () => {
    const file = join(folder, 'order-1.event.json');
    const handler = join(folder, 'app/orders/index.ts');
    expect(await dev.run(['pull', 'order-1', '--attempt', '1', '--to', file])).toMatchObject({ code: 0, stdout: '' });
    const text = await readFile(file, 'utf8');
    expect(text).not.toContain('hush');
    const event = JSON.parse(text);
    expect(event).toMatchObject({
      function: 'orders',
      requestId: 'order-1',
      attempt: 1,
      event: { id: 7 },
      headers: { 'Request-Id': 'order-1' },
      context: { userData: { A: 'a' }, secretUserData: ['TOKEN'], handler: { file: 'index.ts', export: 'handler' } },
      recorded: { outcome: 'retrying', failure: { message: expect.stringContaining('out of stock') } },
    });
    const failed = await runCli(['run', handler, '--event', file]);
    expect(failed).toMatchObject({ code: 1, stdout: '' });
    expect(failed.stderr).toMatch(
      /^the file holds no secret.*: --user-data TOKEN=…\norder 7\nerror: Error: function invocation exception, error: out of stock\n {2}7 \| {3}if \(context/,
    );
    expect(failed.stderr).toMatch(/at handler \(.*app\/orders\/index\.ts:7:36\)\n/);
    expect(failed.stderr).toMatch(/failed after \d+ ms, [\d.]+ MB of memory, exit code 1\n$/);
    const second = await runCli(['run', handler, '--event', file, '--attempt', '2']);
    expect(second).toMatchObject({ code: 0, stdout: '7\n' });
    expect(await dev.run(['pull', 'order-1', '--attempt', '3'])).toMatchObject({ code: 2 });
    expect(await dev.run(['pull', 'never-was'])).toMatchObject({ code: 3 });
  });

  test('pull reads from another server, which --server or a context of nats names, into the file of -o', async () => {
    const nkey = join(dev.dataDir, 'nats/sequent.nk');
    const contexts = join(folder, 'home/.config/nats/context');
    await mkdir(contexts, { recursive: true });
    await writeFile(join(contexts, 'production.json'), JSON.stringify({ url: dev.url, nkey }));
    const file = await readFile(join(folder, 'order-1.event.json'), 'utf8');
    for (const [index, source] of [
      ['--server', dev.url, '--nkey', nkey],
      ['--context', 'production'],
    ].entries()) {
      const args = ['pull', 'order-1', '--attempt', '1', ...source, '-o', `pulled-${index}.json`];
      const { code, stderr } = await runCli(args, { cwd: folder, env: { HOME: join(folder, 'home') } });
      expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.stringContaining(`server ${dev.url} (from`) });
      expect(await readFile(join(folder, `pulled-${index}.json`), 'utf8')).toBe(file);
    }
    expect(await dev.run(['pull', 'order-1', '--to', '-', '-o', 'both.json'])).toMatchObject({ code: 2 });
    expect(await dev.run(['ls', '-o', 'yaml'])).toMatchObject({ code: 2, stderr: expect.stringContaining('not "yaml"') });
  });

  test('removes the function of a deleted file, and says so', async () => {
    await unlink(join(folder, 'app/orders/index.ts'));
    await dev.says(/^orders: removed, because orders\/index\.ts was deleted$/m);
    expect(await dev.run(['fn', 'get', 'orders'])).toMatchObject({ code: 3 });
  });

  test('follows the names of sequent.json', async () => {
    await save({ 'app/sequent.json': '{ "functions": { "greeting": { "file": "hello.mjs" } } }' });
    await dev.says(/^hello: removed, because hello\.mjs is greeting now\ngreeting: put, \d+ ms$/m);
    // An editor may empty a file before it writes it.
    await save({ 'app/hello.mjs': '', 'app/broken.mjs': 'export const handler = () => 2;\n' });
    await dev.says(/^broken: put, \d+ ms$/m);
    await save({ 'app/hello.mjs': 'export const handler = () => 1;\n' });
    await dev.says(/^greeting: put again, \d+ ms$/m);
  });

  test('stops everything on Ctrl-C; the next start removes the functions whose files are gone', async () => {
    expect(await dev.end('SIGINT')).toBe(0);
    expect(dev.stderr()).toMatch(/sequent: stopped\n$/);
    expect(await serversOn(dev.dataDir)).toEqual([]);
    await unlink(join(folder, 'app/hello.mjs'));
    await save({ 'app/broken.mjs': 'export const handler = ;\n' });
    await using again = await startDev(join(folder, 'app'));
    expect(again.stderr()).toContain('greeting: not put; sequent.json names hello.mjs, which does not exist\n');
    expect(again.stderr()).toContain('greeting: removed, because its file is gone\n');
    expect(again.stderr()).toContain('broken: not put; the code of the earlier run still runs\n');
  });

  test('refuses a named server, and --fresh on a folder that is not its own', async () => {
    const named = await runCli(['dev', folder, '--server', 'nats://127.0.0.1:1']);
    expect(named).toMatchObject({ code: 2, stderr: expect.stringContaining('dev uses a server of its own') });
    const foreign = await runCli(['dev', join(folder, 'app'), '--data', join(folder, 'shared'), '--fresh']);
    expect(foreign).toMatchObject({ code: 2, stderr: expect.stringContaining('holds no data of Sequent') });
    const absent = await runCli(['dev', join(folder, 'nowhere')]);
    expect(absent).toMatchObject({ code: 2, stderr: expect.stringContaining('is no folder') });
  });
});

describe('sequent run', () => {
  test('gives the handler its event, user data and attempt, and prints the value alone on stdout', async () => {
    const file = join(folder, 'shared/context.cjs');
    await writeFile(
      file,
      `exports.ready = (context, done) => { process.env.READY = 'ready'; done(); };
exports.main = (event, context, done) => {
  context.getLogger().info('logged');
  done(null, [event.n, context.getUserData('key'), context.attempt, process.env.READY, context.getRemainingTimeInMilliSeconds() > 0]);
};`,
    );
    const flags = ['--handler', 'main', '--initializer', 'ready', '--user-data', 'key=secret', '--attempt', '3'];
    const { code, stdout, stderr } = await runCli(['run', file, '-d', '{"n":1}', ...flags]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: '[1,"secret",3,"ready",true]\n' });
    expect(stderr).toMatch(/ run-1 \[info\] logged\nsucceeded after /);
  });

  test('ends with 7 at the time limit, and with 1 when the handler ends its process', async () => {
    const file = join(folder, 'shared/ends.mjs');
    await writeFile(
      file,
      'export const handler = async ({ exit }) => exit ? process.exit(exit) : new Promise(() => setInterval(() => {}, 1e6));\n',
    );
    const [late, gone] = await Promise.all([
      runCli(['run', file, '-d', '{}', '--timeout', '300ms']),
      runCli(['run', file, '-d', '{"exit":5}', '--json']),
    ]);
    expect(late).toMatchObject({ code: 7, stderr: expect.stringContaining('timed out after 300 ms') });
    expect(gone.code).toBe(1);
    expect(JSON.parse(gone.stdout)).toMatchObject({ outcome: 'failed', failure: { errorType: 'ProcessExited' }, exitCode: 1 });
  });

  test('opens a debugger, and refuses what cannot be loaded or is no event', async () => {
    const file = join(folder, 'shared/quick.mjs');
    await writeFile(file, "export const handler = () => process.execArgv.find((one) => one.startsWith('--inspect'));\n");
    const debugged = await runCli(['run', file, '-d', '{}', '--inspect', '127.0.0.1:0']);
    expect(debugged).toMatchObject({ code: 0, stdout: '--inspect=127.0.0.1:0\n' });
    expect(debugged.stderr).toContain('Debugger listening on ws://127.0.0.1:');
    const refused = [
      [['run', join(folder, 'app/broken.mjs'), '-d', '{}'], 'broken.mjs:1:24'],
      [['run', file, '--handler', 'absent', '-d', '{}'], 'it exports handler'],
      [['run', file, '--event', join(folder, 'app/sequent.json')], 'this is no event file of sequent pull'],
      [['run', file, '--event', 'x', '-d', '{}'], 'two events were given'],
    ] as const;
    const runs = await Promise.all(refused.map(([args]) => runCli(args)));
    expect(runs.map(({ code }) => code)).toEqual([2, 2, 2, 2]);
    for (const [index, [, named]] of refused.entries()) expect(runs[index]?.stderr).toContain(named);
  });
});
