import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { ensureServer } from '#src/main/nats-server/fetch.ts';
import { runCli } from '#test/support/cli/cli.ts';
import { startSequent } from '#test/support/cli/processes/sequent-process.ts';
import { argumentsOf } from '#test/support/documented-commands.ts';
import { folderTest as test } from '#test/support/folder-fixture.ts';
import { freePort } from '#test/support/free-port.ts';

/* A system that was set up before clients had an account: all users, and all streams, are in the global account. */

const SHOWN_STORE = '/var/lib/nats';
type Plan = { accounts: string; steps: string[] };

async function planOf(keys: string): Promise<{ code: number | null; plan: Plan }> {
  const { code, stdout } = await runCli(['nats-config', keys, '--plan', '-o', 'json']);
  return { code, plan: JSON.parse(stdout) as Plan };
}

/** The arguments of the command of a step, without the words that explain it. */
const commandOf = (step: string): string[] => argumentsOf(step.replace(/^.*?\bsequent /, '').replace(/ \(.*$/, ''));

describe('a folder of keys with one account for all users', () => {
  test('is a problem for doctor, and its plan moves the streams and keeps every invocation', { timeout: 120_000 }, async ({ folder }) => {
    const [keys, store, port] = [join(folder, 'keys'), join(folder, 'store'), await freePort()];
    const env = (role: string) => ({ NATS_URL: `nats://127.0.0.1:${port}`, NATS_NKEY: join(keys, role, 'nats.nk') });
    const asOperator = (args: readonly string[]) => runCli(args, { env: env('operator') });
    const startServer = async (): Promise<ChildProcess> => {
      const { bin } = await ensureServer();
      const server = spawn(bin, ['-c', join(keys, 'nats.conf'), '-sd', store, '-a', '127.0.0.1', '-p', `${port}`], { stdio: 'ignore' });
      await expect.poll(async () => (await runCli(['nats-streams'], { env: env('admin') })).code, { timeout: 60_000 }).toBe(0);
      return server;
    };
    const stop = async (server: ChildProcess): Promise<void> => {
      server.kill('SIGTERM');
      await once(server, 'exit');
    };
    const account = async () => {
      const { code, stdout } = await asOperator(['doctor', '-o', 'json']);
      const { findings } = JSON.parse(stdout) as { findings: { check: string; level: string; remedy?: string }[] };
      return { code, ...findings.find(({ check }) => check === 'account of clients') };
    };

    await runCli(['nats-config', keys, '--accounts', 'shared']);
    const before = await startServer();
    {
      await using _sequent = await startSequent(['--deploy-examples'], { ...env('admin'), SEQUENT_DATA: join(folder, 'data') });
      expect(await asOperator(['invoke', 'hello', '-d', '{"name":"Ada"}', '--id', 'before', '--wait'])).toMatchObject({ code: 0 });
      expect(await account()).toMatchObject({ code: 1, level: 'problem', remedy: expect.stringContaining('nats-config FOLDER --plan') });
    }
    const { code, plan } = await planOf(keys);
    expect([code, plan.accounts, plan.steps.length]).toEqual([8, 'shared', 4]);
    const move = commandOf(plan.steps[1] ?? '').map((word) => word.replace(SHOWN_STORE, store));
    expect(await runCli(move)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/process \d+ has files of .* open: stop the server first/),
    });
    await stop(before);
    expect(await runCli(move)).toMatchObject({ code: 0, stdout: expect.stringContaining('moved the streams') });
    expect(await planOf(keys)).toEqual({ code: 0, plan: { accounts: 'own', steps: [] } });

    const after = await startServer();
    {
      await using _sequent = await startSequent([], { ...env('admin'), SEQUENT_DATA: join(folder, 'data') });
      await expect
        .poll(async () => (await asOperator(['get', 'before', '-o', 'json'])).stdout, { timeout: 60_000 })
        .toContain('"notified"');
      expect(await asOperator(['invoke', 'hello', '-d', '{"name":"Eve"}', '--wait'])).toMatchObject({ code: 0 });
      expect(await account()).toMatchObject({ level: 'ok' });
      expect(await asOperator(['verify'])).toMatchObject({ code: 0 });
    }
    await stop(after);
  });

  test('of a cluster has a plan with a backup, for the same hosts', async ({ folder }) => {
    const hosts = 'nats-1,nats-2,nats-3';
    await runCli(['nats-config', folder, '--accounts', 'shared', '--cluster', hosts]);
    const { code, plan } = await planOf(folder);
    expect(code).toBe(8);
    expect(plan.steps.map((step) => /\b(?:sequent|nats-server) [\w-]+|\bmv\b|$/.exec(step)?.[0])).toEqual([
      ...['', 'sequent backup', 'mv', 'sequent nats-config', 'nats-server -c', 'sequent restore', 'sequent doctor'],
    ]);
    expect(commandOf(plan.steps[3] ?? '')).toEqual(['nats-config', folder, '--accounts', 'own', '--cluster', hosts]);
  });

  test('stays as it is when its streams cannot be moved', async ({ folder }) => {
    const keys = join(folder, 'keys');
    await runCli(['nats-config', keys, '--accounts', 'shared']);
    const move = ['nats-config', keys, '--accounts', 'own', '--store', join(folder, 'store')];
    expect(await runCli(move)).toMatchObject({ code: 1, stderr: expect.stringContaining('holds no streams') });
    for (const account of ['$G/streams', 'SEQUENT']) await mkdir(join(folder, 'store', 'jetstream', account), { recursive: true });
    await writeFile(join(folder, 'store', 'jetstream', 'SEQUENT', 'x'), '');
    expect(await runCli(move)).toMatchObject({ code: 1, stderr: expect.stringContaining('nothing is moved over them') });
    expect(await planOf(keys)).toMatchObject({ code: 8, plan: { accounts: 'shared' } });
    expect(await runCli(['nats-config', keys, '--store', folder])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--accounts own'),
    });
  });
});
