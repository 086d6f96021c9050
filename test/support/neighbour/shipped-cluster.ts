import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { systemClock } from '#src/core/ports/clock.ts';
import { ensureServer } from '#src/main/nats-server/fetch.ts';
import { runCli, spawnCli } from '#test/support/cli/cli.ts';
import { freePort } from '#test/support/free-port.ts';
import type { Machine } from './machines.ts';

const HOSTS = ['nats-1', 'nats-2', 'nats-3'];
/** Ends only a hang. */
const MAX_WAIT_IN_MS = 120_000;

/** Servers as in `deploy/cluster.compose.yml`: the configuration and the keys that `sequent nats-config` writes. */
export interface ShippedCluster extends AsyncDisposable {
  readonly urls: string[];
  readonly config: string;
  /** The file with the key of each role and client. */
  readonly keys: Readonly<Record<string, string>>;
  /** Starts a role as its container does, as the user of the machine. Resolves when the role is ready. */
  serve(role: string, args: readonly string[]): Promise<{ pid: number; stdout: string }>;
}

/** Starts three servers below a folder, and creates the streams with three replicas. */
export async function startShippedCluster(folder: string, machine: Machine): Promise<ShippedCluster> {
  const keysFolder = join(folder, 'keys');
  const written = await runCli(['nats-config', keysFolder, '--cluster', HOSTS.join(','), '--output', 'json']);
  if (written.code !== 0) throw new Error(written.stderr);
  const { config, keys } = JSON.parse(written.stdout) as Pick<ShippedCluster, 'config' | 'keys'>;
  const text = await readFile(config, 'utf8');
  const places = await Promise.all(
    HOSTS.map(async (host) => ({ host, client: await freePort(), route: await freePort(), monitor: await freePort() })),
  );
  const children: ChildProcess[] = [];
  for (const { host, client, route, monitor } of places) {
    // The hosts of the containers are ports of this machine. All other lines are those that the operator gets.
    const own = places.reduce(
      (changed, place) => changed.replaceAll(`@${place.host}:6222`, `@127.0.0.1:${place.route}`),
      text.replace('"0.0.0.0:6222"', `"127.0.0.1:${route}"`),
    );
    const file = join(folder, `${host}.conf`);
    await writeFile(file, own, { mode: 0o600 });
    const args = ['-c', file, '-sd', join(folder, host), '-a', '127.0.0.1', '-p', `${client}`, '-m', `${monitor}`, '--name', host];
    children.push(spawn((await ensureServer()).bin, args, { stdio: 'ignore' }));
  }
  const urls = places.map(({ client }) => `nats://127.0.0.1:${client}`);
  const environment = { NATS_URL: urls.join(','), SEQUENT_REPLICAS: '3' };
  await createStreams({ ...environment, NATS_NKEY: keys.admin ?? '' });
  if (machine.uid !== undefined) await promisify(execFile)('chown', ['-R', `${machine.uid}`, keysFolder]);
  return {
    urls,
    config,
    keys,
    async serve(role, args) {
      const responders = role === 'worker' ? { SEQUENT_RESPONDERS_NATS_NKEY: keys.responders ?? '' } : {};
      const env = { ...environment, ...responders, NATS_NKEY: keys[role] ?? '', SEQUENT_LOG_LEVEL: 'warn' };
      const child = spawnCli(['serve', '--role', role, ...args], { env, prefix: machine.prefix });
      children.push(child);
      return { pid: child.pid ?? 0, stdout: await readyLine(child) };
    },
    async [Symbol.asyncDispose]() {
      // The roles end before the servers.
      for (const child of children.toReversed()) await end(child);
    },
  };
}

/** The servers of a new cluster refuse replicas until they know each other, so the container that creates the streams starts again. */
async function createStreams(env: Record<string, string>): Promise<void> {
  const deadline = performance.now() + MAX_WAIT_IN_MS;
  for (;;) {
    const { code, stderr } = await runCli(['nats-streams'], { env });
    if (code === 0) return;
    const isTooOld = stderr.includes('too old');
    if (isTooOld || performance.now() > deadline) throw new Error(`the streams were not created: ${stderr}`);
    await systemClock.sleep(500);
  }
}

function readyLine(child: ChildProcess): Promise<string> {
  let [stdout, stderr] = ['', ''];
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr = (stderr + chunk.toString()).slice(-5_000);
  });
  return new Promise((resolve, reject) => {
    child.once('close', () => reject(new Error(`a role ended before it was ready: ${stderr}`)));
    child.stdout?.on('data', (chunk: Buffer) => {
      stdout += chunk.toString();
      if (/^sequent ready .*\n/m.test(stdout)) resolve(stdout);
    });
  });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  await exited;
}
