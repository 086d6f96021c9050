import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { expect } from 'vitest';
import { createProgram } from '#src/cli/program.ts';
import { runCli, serveSequent, startDev } from '#test/support/cli/cli.ts';
import { englishIn } from '#test/support/cli/english.ts';
import { everyCommand } from '#test/support/cli/every-command.ts';
import { answer, openReceiver } from '#test/support/destinations/receiver.ts';
import { argumentsOf } from '#test/support/documented-commands.ts';
import { sharedByFile } from '#test/support/shared-by-file.ts';

const LANG = 'zh_CN.UTF-8';

async function open() {
  const folder = await mkdtemp(join(tmpdir(), 'sequent-chinese-'));
  const sequent = await serveSequent(['--http-port', '0'], undefined, { LANG });
  return {
    folder,
    sequent,
    async [Symbol.asyncDispose]() {
      await sequent[Symbol.asyncDispose]();
      await rm(folder, { recursive: true });
    },
  };
}
const test = sharedByFile(open);

/** The commands that have no commands below them, such as `fn alias set`. */
function commandsOf({ commands }: Command, path = ''): string[] {
  return commands.flatMap((one) => (one.commands.length === 0 ? [`${path}${one.name()}`] : commandsOf(one, `${path}${one.name()} `)));
}

/** Commands whose output is for programs, or is a text of the user: a value, code, a configuration, a script of a shell. */
const raw = ['batch results', 'completion', 'complete', 'fn code', 'fn event get', 'machine', 'nats-permissions', 'result'];

const code = `export const handler = async (event) => {
  console.log('{"level":"warn","message":"库存不足"}');
  if (event.fail) throw new Error('支付失败');
  return { ok: true };
};`;

test('every command says in Chinese what it says, to a person with a Chinese locale', {
  timeout: 400_000,
}, async ({ sequent: { sequent, folder } }) => {
  const env = { LANG, SEQUENT_DATA: sequent.dataDir, SEQUENT_ENCRYPTION_KEY: join(folder, 'master.keys') };
  const outputOfRun = async (args: readonly string[]): Promise<string> => {
    const { stdout, stderr } = await runCli(args, { env, cwd: folder });
    return stdout + stderr;
  };
  await using gone = await openReceiver(answer(410));
  await writeFile(join(folder, 'order.mjs'), code);
  await writeFile(join(folder, 'lines.jsonl'), '{"a":1}\n{"fail":true}\nnot json\n');
  await writeFile(join(folder, 'master.keys'), `k1 ${Buffer.alloc(32, 1).toString('base64')}\n`);
  const seen: { command: string; output: string }[] = [];
  const run = async (commands: readonly string[]): Promise<void> => {
    for (const command of commands) {
      const bulk = command.includes('<bulk>') ? await outputOfRun(['bulk', 'ls', '-o', 'name']) : '';
      const args = argumentsOf(command.replace('<bulk>', bulk.split('\n')[0] ?? '').replace('<gone>', gone.url));
      seen.push({ command, output: await outputOfRun(args) });
    }
  };

  await run(everyCommand.first);
  for (const id of ['good', 'bad']) await expect.poll(() => outputOfRun(['get', id, '-o', 'name']), { timeout: 60_000 }).toBe('notified\n');
  await run(everyCommand.later);

  const outputOf = (command: string): string => seen.find((one) => one.command.startsWith(command))?.output ?? '';
  expect(outputOf('fn put order')).toBe('函数 order 已定义，修订 1\n');
  expect(outputOf('timeline bad')).toMatch(/等待重试 +第 1 次执行失败：.*支付失败；下一次在 .* 后到期/);
  const all = commandsOf(await createProgram('0.0.0', ['complete']));
  // These run until a signal, or the end of stdin: the server of this test, the test below, and mcp.test.ts.
  expect(all.filter((one) => !seen.some(({ command }) => `${command} `.startsWith(`${one} `)))).toEqual(['serve', 'dev', 'mcp']);
  const shown = seen.filter(({ command }) => !raw.some((one) => command.startsWith(one)));
  expect(shown.flatMap(({ command, output }) => englishIn(output).map((found) => `${command}: ${found}`))).toEqual([]);
  expect(englishIn(sequent.output.stderr)).toEqual([]);
});

test('dev says in Chinese what it does', async ({ sequent: { folder } }) => {
  const own = await mkdtemp(join(folder, 'dev-'));
  await writeFile(join(own, 'hello.mjs'), code);
  await using dev = await startDev(own, { LANG });
  await dev.run(['invoke', 'hello', '-d', '{"fail":true}']);
  await dev.prints(/hello .* 第 1 次执行/);
  await writeFile(join(own, 'hello.mjs'), 'export const handler = ');
  await dev.says(/hello：未部署；仍运行/);
  expect(await dev.end('SIGTERM')).toBe(0);
  expect(englishIn(dev.stderr())).toEqual([]);
});
