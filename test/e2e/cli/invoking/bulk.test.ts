import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect } from 'vitest';
import { type CliRun, type ServedSequent, serveSequent } from '#test/support/cli/cli.ts';
import { commandLine } from '#test/support/cli/command-line.ts';
import { sharedByFile } from '#test/support/shared-by-file.ts';

const test = sharedByFile(() => serveSequent([]));
const handlers = new URL('../../../support/gateway/handlers.mjs', import.meta.url).pathname;

/** At one per second, the operation would take longer than this test may. */
const OPEN = 1_000;
const PROGRESS = new RegExp(`^\\d+ of ${OPEN}$`, 'm');

test('a bulk operation that is aborted ends at once: what it did stays, and the rest is open', {
  timeout: 400_000,
}, async ({ sequent }) => {
  await sequent.run(['fn', 'put', 'held', '--file', handlers, '--handler', 'greet']);
  await sequent.run(['fn', 'pause', 'held']);
  await sequent.run(['invoke', 'held', '--batch', '-'], { input: '{}\n'.repeat(OPEN) });
  let aborting: Promise<CliRun> | undefined;
  const abort = async (): Promise<CliRun> => {
    const { stdout } = await sequent.run(['bulk', 'ls', '-o', 'name']);
    return await sequent.run(['bulk', 'abort', stdout.trim()]);
  };
  const args = ['cancel', '--open', '--function', 'held', '--rate', '1/s', '--yes', '-o', 'name'];
  const cancelled = await sequent.run(args, {
    onStderr: (text) => {
      if (PROGRESS.test(text)) aborting ??= abort();
    },
  });
  const aborted = await aborting;
  const [, id = ''] = /bulk operation (\S+) ends/.exec(aborted?.stderr ?? '') ?? [];
  const done = cancelled.stdout.trim().split('\n').length;

  expect(aborted?.code).toBe(0);
  expect(cancelled.code).toBe(1);
  expect(cancelled.stderr).toMatch(PROGRESS);
  expect(cancelled.stderr).toContain('the operation was aborted');
  expect(cancelled.stderr).toContain(`${done} open invocation`);
  expect(done).toBeLessThan(OPEN);
  const shown = (await sequent.run(['bulk', 'show', id])).stdout;
  expect(shown).toMatch(new RegExp(`^cancel ${id} of .*: aborted, abort asked by \\S+\\n`));
  expect(shown).toContain(`${done} done, 0 failed, 0 left out, of ${OPEN}`);
  expect((await sequent.run(['bulk', 'abort', id])).code).toBe(4);
  await expect.poll(() => stillQueued(sequent), { timeout: 60_000 }).toBe(OPEN - done);
});

async function stillQueued(sequent: ServedSequent): Promise<number> {
  const { stdout } = await sequent.run(['ls', 'held', '--state', 'queued', '--all', '-o', 'name']);
  return stdout.trim().split('\n').length;
}

test('a purge that a person declines on the terminal erases nothing, and says so', async ({ sequent }) => {
  await sequent.run(['fn', 'put', 'shop', '--file', handlers, '--handler', 'greet']);
  await sequent.run(['invoke', 'shop', '--id', 'kept', '-d', '{}', '--wait']);
  await expect.poll(async () => (await sequent.run(['get', 'kept', '-o', 'name'])).stdout, { timeout: 60_000 }).toBe('notified\n');
  const { code, output } = await onTerminal(sequent, ['purge', '--function', 'shop', '--before', '0s'], 'n\n');
  expect(output).toContain('Erase 1 finished invocation of shop from before ');
  expect(output).toContain('nothing was erased');
  expect(code).toBe(1);
  expect((await sequent.run(['timeline', 'kept'])).code).toBe(0);
  expect((await sequent.run(['bulk', 'ls', '--json'])).stdout).not.toContain('"action":"purge"');
});

test('whatif and logs list what their filters select, in the order of the log', async ({ sequent }) => {
  await sequent.run(['fn', 'put', 'broken', '--file', handlers, '--handler', 'fail']);
  for (const id of ['broken-1', 'broken-2']) await sequent.run(['invoke', 'broken', '--id', id, '-d', '{"why":"no stock"}', '--wait']);
  const whatIf = ['whatif', '--function', 'broken', '--max-retries', '2'];
  const counted = '2 invocations: 0 the same, 0 different, 2 undecided\n';
  expect(await sequent.run(whatIf)).toEqual({
    code: 0,
    stdout: '',
    stderr: `${counted}2 undecided are not listed: --undecided\nof the decided: 0 attempts instead of 0, at the same times\n`,
  });
  const why =
    'failed (UnhandledInvocationError) after 1 attempt; undecided after 1 attempt: attempt 2 was not made, or its end is not recorded';
  expect(await sequent.run([...whatIf, '--undecided'])).toEqual({
    code: 0,
    stdout: `broken  broken-1  ${why}\nbroken  broken-2  ${why}\n`,
    stderr: `${counted}of the decided: 0 attempts instead of 0, at the same times\n`,
  });

  const failures = await sequent.run(['logs', 'broken', '--level', 'error', '--since', '1d']);
  expect(failures.stdout).toMatch(
    /^\S+ {2}broken-1 #1 {2}error {2}attempt 1 failed: .*\n\S+ {2}broken-2 #1 {2}error {2}attempt 1 failed: .*\n$/,
  );
  expect(await sequent.run(['logs', 'broken', '--level', 'fatal'])).toMatchObject({ code: 0, stdout: '' });
  const later = await sequent.run(['logs', 'broken', '--since', '2099-01-01']);
  expect(later).toEqual({ code: 0, stdout: '', stderr: 'no line matches\n' });
});

/** Runs a command on a terminal of its own, and answers its question. */
async function onTerminal({ dataDir }: ServedSequent, args: readonly string[], answer: string): Promise<{ code: number; output: string }> {
  const command = [process.execPath, ...commandLine(), ...args].map((word) => `'${word}'`).join(' ');
  const child = spawn('script', ['--quiet', '--return', '--flush', '--command', command, '/dev/null'], {
    env: { PATH: process.env.PATH ?? '', HOME: '/nonexistent', TERM: 'xterm', SEQUENT_DATA: dataDir },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const closed = once(child, 'close') as Promise<[number]>;
  let output = '';
  let isAnswered = false;
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
    if (isAnswered || !output.includes('[y/N]')) return;
    isAnswered = true;
    child.stdin.write(answer);
  });
  const [code] = await closed;
  return { code, output };
}
