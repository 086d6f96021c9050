import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { afterEach, expect, vi } from 'vitest';
import { printProblem } from '#src/cli/print/result-output.ts';
import { createTerminal } from '#src/cli/print/terminal.ts';
import { problemOf } from '#src/cli/problem.ts';
import { createProgram } from '#src/cli/program.ts';
import { setLanguage } from '#src/core/text/language.ts';
import { serveSequent, startDev } from '#test/support/cli/cli.ts';
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

/** Runs a command in this process, because a process for each of them takes minutes on a loaded machine. Returns its output. */
async function runHere(args: readonly string[]): Promise<string> {
  let output = '';
  const keep = (text: string | Uint8Array): boolean => {
    output += String(text);
    return true;
  };
  const written = [vi.spyOn(process.stdout, 'write').mockImplementation(keep), vi.spyOn(process.stderr, 'write').mockImplementation(keep)];
  const logged = vi.spyOn(console, 'log').mockImplementation(() => {});
  setLanguage('zh-CN');
  try {
    await (await createProgram('0.0.0', args)).parseAsync(args, { from: 'user' });
  } catch (error) {
    printProblem(problemOf(error), createTerminal('never').err);
  } finally {
    setLanguage('en');
    process.exitCode = 0;
    for (const spy of [...written, logged]) spy.mockRestore();
  }
  return output;
}

afterEach(() => {
  vi.unstubAllEnvs();
});

test('every command says in Chinese what it says, to a person with a Chinese locale', {
  timeout: 400_000,
}, async ({ sequent: { sequent, folder } }) => {
  vi.stubEnv('SEQUENT_DATA', sequent.dataDir);
  vi.stubEnv('SEQUENT_ENCRYPTION_KEY', join(folder, 'master.keys'));
  process.chdir(folder);
  await using gone = await openReceiver(answer(410));
  await writeFile('order.mjs', code);
  await writeFile('lines.jsonl', '{"a":1}\n{"fail":true}\nnot json\n');
  await writeFile('master.keys', `k1 ${Buffer.alloc(32, 1).toString('base64')}\n`);
  const seen: { command: string; output: string }[] = [];
  const run = async (commands: readonly string[]): Promise<void> => {
    for (const command of commands) {
      const bulk = command.includes('<bulk>') ? await runHere(['bulk', 'ls', '-o', 'name']) : '';
      const args = argumentsOf(command.replace('<bulk>', bulk.split('\n')[0] ?? '').replace('<gone>', gone.url));
      seen.push({ command, output: await runHere(args) });
    }
  };

  await run(everyCommand.first);
  for (const id of ['good', 'bad']) await expect.poll(() => runHere(['get', id, '-o', 'name']), { timeout: 60_000 }).toBe('notified\n');
  await run(everyCommand.later);

  const outputOf = (command: string): string => seen.find((one) => one.command.startsWith(command))?.output ?? '';
  expect(outputOf('fn put order')).toBe('函数 order 已定义，修订 1\n');
  expect(outputOf('timeline bad')).toMatch(/等待重试 +第 1 次执行失败：.*支付失败；下一次在 .* 后到期/);
  const all = commandsOf(await createProgram('0.0.0', ['complete']));
  // These two run until a signal: the server of this test, and the test below.
  expect(all.filter((one) => !seen.some(({ command }) => `${command} `.startsWith(`${one} `)))).toEqual(['serve', 'dev']);
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
