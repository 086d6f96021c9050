import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { connectClient } from '#src/client/client.ts';
import { type CliOptions, runCli } from '#test/support/cli/cli.ts';
import { startSequent } from '#test/support/cli/processes/sequent-process.ts';
import { shortTimes, test } from '#test/support/fixtures.ts';

/** Prints, waits for the file that the event names, and prints again. The secret is written in two parts. */
const code = `import { existsSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
export const handler = async ({ gate, fails }) => {
  console.log('begins');
  process.stdout.write('pass');
  await wait(60);
  process.stdout.write('word=correct-horse\\n');
  console.log('process ' + process.ppid);
  while (!existsSync(gate)) await wait(20);
  console.log('after the gate');
  if (fails) throw new Error('broken');
};
`;

type Followed = {
  stdout: string;
  ended: Promise<{ code: number | null; stdout: string; stderr: string }>;
  until(pattern: RegExp): Promise<void>;
  stop(): void;
};

/** Runs `sequent logs -f` as a process. */
function followLogs(args: readonly string[], options: CliOptions): Followed {
  let kill = (): void => {};
  let check = (): void => {};
  const followed: Followed = {
    stdout: '',
    ended: runCli(['logs', ...args, '-f'], {
      ...options,
      onStdout(text, child) {
        followed.stdout = text;
        kill = () => child.kill('SIGINT');
        check();
      },
    }),
    until: (pattern) =>
      new Promise((resolve) => {
        check = () => pattern.test(followed.stdout) && resolve();
        check();
      }),
    stop: () => kill(),
  };
  return followed;
}

/** The lines without their times. */
const linesOf = (text: string): string[] =>
  text.split('\n').flatMap((line) =>
    line === ''
      ? []
      : [
          line
            .replace(/^\S+ +/, '')
            .replace(/ {2,}/g, ' ')
            .replace(/process \d+/, 'process N'),
        ],
  );

test('logs -f shows the lines of a running attempt once, without secrets, also to a reader who comes late', async ({
  server,
  folder,
  sequent: _,
}) => {
  const env = { NATS_URL: server.url };
  const gate = join(folder, 'gate');
  await writeFile(join(folder, 'slow.mjs'), code);
  const put = ['fn', 'put', 'slow', '--file', './slow.mjs', '--max-retries', '1', '--backoff', '10ms', '--max-backoff', '10ms'];
  expect(await runCli(put, { env, cwd: folder })).toMatchObject({ code: 0 });
  const early = followLogs(['slow'], { env });
  const event = JSON.stringify({ gate, fails: true });
  expect(await runCli(['invoke', 'slow', '--id', 'slow-1', '-d', event], { env })).toMatchObject({ code: 0 });
  await early.until(/process \d+\n/);
  const late = followLogs(['slow', '--id', 'slow-1'], { env });
  await late.until(/process \d+\n/);
  const attempt = (number: number): string[] => [
    `slow-1 #${number} begins`,
    `slow-1 #${number} password=[redacted]`,
    `slow-1 #${number} process N`,
  ];
  expect([linesOf(early.stdout), linesOf(late.stdout)]).toEqual([attempt(1), attempt(1)]);
  await writeFile(gate, '');
  const all = /#2 .* failed: .*broken\n/;
  await Promise.all([early.until(all), late.until(all)]);
  for (const followed of [early, late]) followed.stop();
  const ends = (number: number): string[] => [
    `slow-1 #${number} after the gate`,
    expect.stringMatching(new RegExp(`^slow-1 #${number} error attempt ${number} failed: .*broken`)),
  ];
  for (const followed of [early, late]) {
    const { code: exitCode, stdout } = await followed.ended;
    expect({ exitCode, lines: linesOf(stdout) }).toEqual({
      exitCode: 130,
      lines: [...attempt(1), ...ends(1), ...attempt(2), ...ends(2)],
    });
  }
});

test('of two workers, one of which is killed, the reader sees both attempts and why the first one ended', async ({ server, folder }) => {
  const env = { ...shortTimes, NATS_URL: server.url };
  await using _roles = await startSequent(['--role', 'scheduler', '--role', 'destinations'], env);
  const workers = [await startSequent(['--role', 'worker'], env), await startSequent(['--role', 'worker'], env)];
  try {
    await writeFile(join(folder, 'slow.mjs'), code);
    expect(await runCli(['fn', 'put', 'slow', '--file', './slow.mjs'], { env, cwd: folder })).toMatchObject({ code: 0 });
    await using client = await connectClient({ servers: server.url });
    const stopping = new AbortController();
    const following = client.logs.follow('slow', { live: true, signal: stopping.signal });
    const gate = join(folder, 'gate');
    await client.invoke('slow', { gate }, { id: 'slow-2' });
    const seen: string[] = [];
    const killed: number[] = [];
    for await (const lines of following) {
      for (const { attempt, kind, text } of lines) {
        const pid = Number(/^process (\d+)$/.exec(text)?.[1]);
        seen.push(`#${attempt} ${kind} ${text.replace(/\d+$/, 'N').replace(/: .*/, '')}`);
        if (Number.isNaN(pid)) continue;
        if (killed.length === 0) {
          killed.push(pid);
          await workers.find((worker) => worker.pid === pid)?.signal('SIGKILL');
        } else {
          expect(workers.map((worker) => worker.pid)).toContain(pid);
          expect(pid).not.toBe(killed[0]);
          await writeFile(gate, '');
        }
      }
      if (seen.at(-1)?.endsWith('after the gate')) stopping.abort();
    }
    expect(seen).toEqual([
      '#1 output begins',
      '#1 output password=[redacted]',
      '#1 output process N',
      '#1 failure WorkerLost',
      '#2 output begins',
      '#2 output password=[redacted]',
      '#2 output process N',
      '#2 output after the gate',
    ]);
  } finally {
    for (const worker of workers) await worker[Symbol.asyncDispose]();
  }
});
