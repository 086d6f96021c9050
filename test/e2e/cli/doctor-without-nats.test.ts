import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { ensureServer } from '#src/main/nats-server/fetch.ts';
import { runCli } from '#test/support/cli/cli.ts';
import { freePort } from '#test/support/free-port.ts';
import { startConfiguredServer } from '#test/support/nats/configured-server.ts';
import { embeddedTest as test } from '#test/support/nats/embedded-fixtures.ts';

const preload = new URL('../../support/cli/processes/shifted-clock.mjs', import.meta.url).href;

/** The doctor on a data folder, or on a server. */
const doctor = (env: Record<string, string>, execArgv: readonly string[] = []) => runCli(['doctor'], { env, execArgv });

describe('the doctor tells the truth when', () => {
  test('the NATS server of the folder is frozen: it names the process within seconds', async ({ start, dataDir }) => {
    const { pid } = await start();
    process.kill(pid, 'SIGSTOP');
    const startedAt = performance.now();
    try {
      const { code, stderr } = await doctor({ SEQUENT_DATA: dataDir });
      expect(code).toBe(6);
      expect(stderr).toContain(`process ${pid} is the nats-server of ${dataDir}, and a signal stopped it (SIGSTOP)`);
      expect(stderr).toContain('kill -CONT');
      expect(performance.now() - startedAt).toBeLessThan(10_000);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
  });

  test('the NATS server of the folder has ended', async ({ start, dataDir }) => {
    await (await start()).stop();
    const { code, stderr } = await doctor({ SEQUENT_DATA: dataDir });
    expect(code).toBe(6);
    expect(stderr).toContain(`Sequent started a nats-server on ${dataDir} before, and none runs on it now`);
  });

  test('NATS cannot be reached', async () => {
    const { code, stderr } = await doctor({ NATS_URL: 'nats://127.0.0.1:1' });
    expect([code, stderr]).toEqual([6, expect.stringContaining('CONNECTION_REFUSED')]);
  });

  test('the command lacks the key of the server', async ({ start, folder }) => {
    const { url } = await start();
    const { code, stderr } = await doctor({ NATS_URL: url, SEQUENT_DATA: join(folder, 'elsewhere') });
    expect([code, stderr]).toEqual([5, expect.stringContaining('this NATS server needs the key of its data folder')]);
  });

  test('the password of the command is not valid any more', async () => {
    const users = (password: string): string => `\nauthorization { user: ops, password: "${password}" }\n`;
    await using server = await startConfiguredServer(users('first'));
    const env = { NATS_URL: `nats://ops:first@127.0.0.1:${server.port}` };
    expect((await doctor(env)).code).toBe(1);
    await server.change(users('second'));
    const { code, stderr } = await doctor(env);
    expect([code, stderr]).toEqual([
      5,
      expect.stringMatching(/error: NATS refuses these credentials\n.*\n {2}try: --context and NATS_CREDS/s),
    ]);
    expect(stderr).not.toMatch(/first|second/);
  });

  test('JetStream is off', async ({ folder }) => {
    const { bin } = await ensureServer();
    const port = await freePort();
    await writeFile(join(folder, 'nats.conf'), `listen: "127.0.0.1:${port}"`);
    const server = spawn(bin, ['-c', join(folder, 'nats.conf')], { stdio: 'ignore' });
    try {
      // The server accepts connections some moments after its start.
      await expect
        .poll(() => doctor({ NATS_URL: `nats://127.0.0.1:${port}` }), { timeout: 30_000 })
        .toMatchObject({ code: 6, stderr: expect.stringMatching(/JetStream/i) });
    } finally {
      server.kill();
    }
  });

  test('Sequent never ran on the server', async ({ server }) => {
    const { code, stdout } = await doctor({ NATS_URL: server.url });
    expect(code).toBe(1);
    for (const problem of ['stream INVOCATIONS', 'worker', 'scheduler', 'projection']) expect(stdout).toContain(`!! ${problem} `);
  });

  test('the clock of this machine is an hour and a half ahead', async ({ nats: _, server }) => {
    const env = { NATS_URL: server.url, SHIFTED_CLOCK_MS: '5400000' };
    const { stdout } = await doctor(env, ['--import', preload]);
    expect(stdout).toMatch(/!! clocks .*the server is 1 h 30 min behind this machine/);
  });
});
