import { execFile } from 'node:child_process';
import { mkdtemp, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { connectClient } from '#src/client/client.ts';
import { ensureServer } from '#src/main/nats-server/fetch.ts';
import { findRunningServer } from '#src/main/nats-server/running.ts';
import { isReplicable } from '#src/nats/replicas/replicable.ts';
import { serveSequent } from '#test/support/cli/cli.ts';
import { startSequent } from '#test/support/cli/processes/sequent-process.ts';
import { startCluster } from '#test/support/cluster/cluster.ts';
import { openCuttableDisk } from '#test/support/nats/disks/cuttable-disk.ts';
import { startTestServer } from '#test/support/nats/nats-server.ts';
import type { Incident, Planted } from './incident.ts';

/* Incidents of the servers themselves. Each has servers of its own, because they do not answer afterwards. */

const run = promisify(execFile);
const file = new URL('../e2e/functions.mjs', import.meta.url).pathname;
const ROOM_IN_BYTES = 2 * 1_024 ** 2;
const LARGE_IN_BYTES = 200_000;

/** Resources that are closed in the reverse order. */
function closing(): { add<One extends AsyncDisposable>(one: One): One; undo(): Promise<void> } {
  const opened: AsyncDisposable[] = [];
  return {
    add(one) {
      opened.push(one);
      return one;
    },
    async undo() {
      for (const one of opened.reverse()) await one[Symbol.asyncDispose]();
    },
  };
}

/**
 * Requests fill what a full disk left, until the log refuses. A request each 300 ms then keeps the processes writing, unless the function is
 * paused, so that only clients write.
 */
const fillDisk = (paused: boolean) => async (): Promise<Planted> => {
  const { add, undo } = closing();
  const disk = add(await openCuttableDisk());
  const server = add(await startTestServer({ parent: disk.path }));
  const folder = await mkdtemp(join(tmpdir(), 'sequent-incident-'));
  const env = { NATS_URL: server.url, SEQUENT_DATA: folder };
  add(await startSequent(['--http-port', '0'], env));
  const client = add(await connectClient({ servers: server.url }));
  await client.functions.put({ name: 'slowly', handler: { kind: 'process', file, export: 'slowly' }, concurrency: 4, paused });
  const ballast = join(disk.path, 'core.1234');
  await writeFile(ballast, '');
  const room = async (): Promise<number> => {
    const { bavail, bsize } = await statfs(disk.path);
    return bavail * bsize;
  };
  await run('fallocate', ['--length', String((await room()) - ROOM_IN_BYTES), ballast]);
  const send = (text: string) =>
    client.invoke('slowly', { ms: 1, text }).then(
      () => true,
      () => false,
    );
  // On a busy machine, a request may fail before the disk is full.
  for (let failed = 0; failed === 0 || (failed < 3 && (await room()) > 2 * LARGE_IN_BYTES); )
    if (!(await send('x'.repeat(LARGE_IN_BYTES)))) failed++;
  const sending = setInterval(() => void (paused || send('')), 300);
  return { env, undo: async () => [clearInterval(sending), await undo(), await rm(folder, { recursive: true })] };
};

/** The disk of the read model is full, and that of the server is not. */
async function fillReadModel(): Promise<Planted> {
  const { add, undo } = closing();
  const disk = add(await openCuttableDisk());
  const server = add(await startTestServer());
  const env = { NATS_URL: server.url, SEQUENT_DATA: join(disk.path, 'data') };
  add(await startSequent(['--http-port', '0'], env));
  const client = add(await connectClient({ servers: server.url }));
  await client.functions.put({ name: 'slowly', handler: { kind: 'process', file, export: 'slowly' }, paused: true });
  // Also the blocks that are kept for root. The command ends when the disk is full.
  await run('cp', ['/dev/zero', join(disk.path, 'core.1234')]).catch(() => {});
  const text = 'x'.repeat(1_000);
  await client.invokeMany(
    'slowly',
    Array.from({ length: 2_000 }, () => ({ text })),
  );
  return { env, undo };
}

/** Two of three servers end. From 2.12 on, the streams of Sequent are on all three, and before that each is on one of them. */
async function endQuorum(): Promise<Planted> {
  const { bin, version } = await ensureServer();
  const folder = await mkdtemp(join(tmpdir(), 'sequent-incident-'));
  const { add, undo } = closing();
  const cluster = add(await startCluster(bin, folder));
  const env = { NATS_URL: cluster.urls.join(','), SEQUENT_DATA: join(folder, 'data') };
  add(await startSequent(['--role', 'scheduler'], { ...env, SEQUENT_REPLICAS: isReplicable(version) ? '3' : '1' }));
  for (const { server } of cluster.members.slice(1)) await server.end('SIGKILL');
  return { env, undo: async () => [await undo(), await rm(folder, { recursive: true, force: true })] };
}

/** The server of the data folder is stopped by a signal, or ended. */
const ownServer = (signal: 'SIGSTOP' | 'end') => async (): Promise<Planted> => {
  const sequent = await serveSequent([]);
  const env = { SEQUENT_DATA: sequent.dataDir };
  const pid = (await findRunningServer(sequent.dataDir))?.pid ?? 0;
  if (signal === 'end') await sequent.end('SIGTERM');
  else process.kill(pid, signal);
  const resume = () => (signal === 'end' ? undefined : process.kill(pid, 'SIGCONT'));
  return {
    env,
    undo: async () => [resume(), await sequent[Symbol.asyncDispose](), await rm(sequent.dataDir, { recursive: true, force: true })],
  };
};

/* External servers: test/matrix/doctor-of-servers.test.ts plants these. */

const FULL = /is full and refuses|the log has answered no message for \d+ s|stores nothing: no answer within/;

export const fullDisk = {
  title: 'the disk of the server is full',
  plant: fillDisk(false),
  cause: FULL,
  remedy: /docs\/operations\.md#full-disk-or-full-log/,
} satisfies Incident;

/** No process of Sequent writes a fact, so that none of them knows. */
export const fullForClients = {
  title: 'the disk of the server is full, and only clients write',
  plant: fillDisk(true),
  cause: FULL,
  remedy: /docs\/operations\.md#full-disk-or-full-log/,
} satisfies Incident;

export const fullReadModel = {
  title: 'the disk of the read model is full, and that of the server is not',
  plant: fillReadModel,
  cause: /could not follow the log: database or disk is full/,
  remedy: /make room on the disk of its data folder/,
} satisfies Incident;

export const lostQuorum = {
  title: 'a cluster lost its quorum: two of three servers ended',
  plant: endQuorum,
  cause: /JetStream does not: a cluster may have no leader/,
  remedy: /docs\/operations\.md#lost-quorum|start the servers/,
} satisfies Incident;

/** Incidents of the server that Sequent started. */
export const ofOwnServer: readonly Incident[] = [
  {
    title: 'a signal stopped the NATS server of the folder',
    plant: ownServer('SIGSTOP'),
    cause: /is the nats-server of \S+, and a signal stopped it \(SIGSTOP\)/,
    remedy: /kill -CONT/,
  },
  {
    title: 'the NATS server of the folder has ended',
    plant: ownServer('end'),
    cause: /Sequent started a nats-server on \S+ before, and none runs on it now/,
    remedy: /npm start or "sequent serve --start-server"/,
  },
];
