import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { ensureServer } from '#src/main/nats-server/fetch.ts';
import { freePort } from '#test/support/free-port.ts';
import { buildImage, type Image } from '#test/support/package/image.ts';
import { basePath, canMount, createTree, runInStage, type StageCommand, startInStage } from '#test/support/package/stage.ts';

type Service = { user: string; command: string; environment?: Record<string, string>; volumes: string[] };

const checkout = new URL('../..', import.meta.url).pathname;
const { services } = parse(readFileSync(join(checkout, 'docker-compose.yml'), 'utf8'), { merge: true, maxAliasCount: -1 }) as {
  services: Record<string, Service>;
};
const ROLES = ['worker', 'scheduler', 'destinations', 'projection', 'janitor'];

/** The steps run on this Node, so the test runs where it is that of the image: in the second pass of CI. */
const [, major] = /node:(\d+)\./.exec(readFileSync(join(checkout, 'Dockerfile'), 'utf8')) ?? [];
const canRun = canMount && process.version.startsWith(`v${major}.`);

let folder: string;
let image: Image;
let ports: { nats: number; monitor: number };
const running: ChildProcess[] = [];

beforeAll(async () => {
  if (!canRun) return;
  folder = await mkdtemp(join(tmpdir(), 'sequent-image-'));
  ports = { nats: await freePort(), monitor: await freePort() };
  image = await buildImage(checkout, folder);
});

afterAll(async () => {
  for (const child of running) {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  }
  if (canRun) await rm(folder, { recursive: true, force: true });
});

/** The command of a service as docker-compose.yml has it, but on loopback and on free ports, which other tests do not use. */
function commandOf(name: string, tree: Pick<Image, 'root' | 'workdir' | 'env'>, args: readonly string[]): StageCommand {
  const { user, environment = {}, volumes } = services[name] as Service;
  const env = Object.entries(environment).map(([key, value]) => [key, value.replace('nats:4222', `127.0.0.1:${ports.nats}`)]);
  return { ...tree, user, env: { ...tree.env, ...Object.fromEntries(env) }, args, volumes: volumesOf(volumes) };
}

/** A new volume gets the owner of the folder of the image at which it is mounted. */
function volumesOf(volumes: readonly string[]): Record<string, string> {
  const mounts = volumes.map((volume) => volume.split(':'));
  for (const [name = '', path = ''] of mounts) {
    const volume = join(folder, 'volumes', name);
    if (existsSync(volume)) continue;
    const { uid, gid } = statSync(join(image.root, path));
    mkdirSync(volume, { recursive: true });
    chownSync(volume, uid, gid);
    // The folders of the image in that folder.
    for (const [, inner = ''] of mounts) if (inner.startsWith(`${path}/`)) mkdirSync(join(volume, inner.slice(path.length)));
  }
  return Object.fromEntries(mounts.map(([name = '', path = '']) => [path, join(folder, 'volumes', name)]));
}

const sequent = (name: string, args = services[name]?.command.split(' ') ?? []): StageCommand =>
  commandOf(name, image, [...image.entrypoint, ...args]);

async function startNats(): Promise<void> {
  const { bin } = await ensureServer();
  const tree = { root: createTree(join(folder, 'nats')), workdir: '/', env: { PATH: basePath } };
  const args = services.nats?.command.replace('-m 8222', `-m ${ports.monitor} -a 127.0.0.1 -p ${ports.nats}`).split(' ') ?? [];
  const command = commandOf('nats', tree, [join('/server', 'nats-server'), ...args]);
  running.push(startInStage({ ...command, volumes: { ...command.volumes, '/server': dirname(bin) } }));
  const healthz = `http://127.0.0.1:${ports.monitor}/healthz`;
  await expect
    .poll(
      () =>
        fetch(healthz).then(
          ({ ok }) => ok,
          () => false,
        ),
      { timeout: 30_000 },
    )
    .toBe(true);
}

type Started = { child: ChildProcess; output: () => string; check: StageCommand };

async function startRole(name: string): Promise<Started> {
  const port = await freePort();
  const command = sequent(name);
  // Its packages are in the image. This receiver does not exist.
  const further = { SEQUENT_PROBES: `127.0.0.1:${port}`, OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' };
  const child = startInStage({ ...command, env: { ...command.env, ...further } });
  running.push(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const check = { ...command, args: image.healthcheck.map((word) => word.replace('8081', String(port))) };
  return { child, output: () => output, check };
}

describe.skipIf(!canRun)('the image that the steps of the Dockerfile make', () => {
  test('runs docker-compose.yml without root in a read-only tree, each role with its own key', async () => {
    await runInStage(sequent('keys'));
    await startNats();
    await runInStage(sequent('streams'));
    const started = await Promise.all(ROLES.map(startRole));
    const isHealthy = (check: StageCommand): Promise<boolean> =>
      runInStage(check).then(
        () => true,
        () => false,
      );
    for (const { check, output } of started) await expect.poll(() => isHealthy(check), { timeout: 60_000, message: output() }).toBe(true);

    const invoked = await runInStage(sequent('cli', ['invoke', 'hello', '-d', '{"name":"Ada"}', '--wait']));
    expect(JSON.parse(invoked)).toMatchObject({ greeting: 'Hello, Ada!' });
    const listed = () => runInStage(sequent('cli', ['ls', '-o', 'name']));
    await expect.poll(listed, { timeout: 30_000 }).not.toBe('');

    for (const { child } of started) child.kill('SIGTERM');
    for (const { child, output } of started) {
      if (child.exitCode === null) await once(child, 'exit');
      const text = output();
      expect([child.exitCode, text]).toEqual([0, expect.stringContaining('sequent: stopped')]);
      // Neither a missing permission nor a refused write.
      expect(text).not.toMatch(/"level":[56]0|EROFS|EACCES|cannot be loaded/);
    }
    // The volumes keep what the roles wrote; the tree has nothing new.
    expect(statSync(join(folder, 'volumes/data/projection')).uid).toBe(1000);
  });
});
