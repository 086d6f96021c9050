import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { expect } from 'vitest';
import { chosenServer, npmSettings } from '#test/support/cli/passed-on.ts';
import { test } from '#test/support/fixtures.ts';

const run = promisify(execFile);
const root = new URL('../..', import.meta.url).pathname;
const env = {
  PATH: process.env.PATH ?? '',
  HOME: process.env.HOME ?? '',
  npm_config_update_notifier: 'false',
  ...npmSettings,
  ...chosenServer,
};

/** Runs `npm start` in a folder, as the README says. Resolves when the process prints that it is ready. */
async function npmStart(folder: string): Promise<{ readyInMs: number; ownInMs: number; stop(): Promise<number | null> }> {
  const startedAt = performance.now();
  const child = spawn('npm', ['start', '--', '--nats-port', '0'], { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const exited = once(child, 'exit');
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  for await (const line of createInterface(child.stdout)) if (line.startsWith('sequent ready')) break;
  child.stdout.resume();
  return {
    readyInMs: performance.now() - startedAt,
    ownInMs: durationIn(/Sequent started in ([\d.]+) (m?s)/.exec(said)),
    async stop() {
      child.kill('SIGTERM');
      await exited;
      return child.exitCode;
    },
  };
}

function durationIn(found: RegExpExecArray | null): number {
  return Number(found?.[1]) * (found?.[2] === 's' ? 1_000 : 1);
}

test('a fresh clone runs a function with "npm start" and one more command, and its second start is faster', {
  timeout: 180_000,
}, async ({ folder }) => {
  await run('git', ['clone', '--quiet', '--no-hardlinks', root, folder]);
  const cloned = performance.now();
  const first = await npmStart(folder);
  const { stdout } = await run('npx', ['sequent', 'invoke', 'hello', '-d', '{"name":"Ada"}', '--wait'], { cwd: folder, env });
  const firstInMs = performance.now() - cloned;
  expect(await first.stop()).toBe(0);
  const second = await npmStart(folder);
  expect(await second.stop()).toBe(0);
  process.stdout.write(
    `fresh clone: first invocation after ${Math.round(firstInMs)} ms, of which Sequent's own start ${first.ownInMs} ms; second start ${Math.round(second.readyInMs)} ms\n`,
  );

  expect(JSON.parse(stdout)).toMatchObject({ greeting: 'Hello, Ada!' });
  expect(firstInMs).toBeLessThan(60_000);
  expect(first.ownInMs).toBeLessThan(3_000);
  expect(second.readyInMs).toBeLessThan(3_000);
});
