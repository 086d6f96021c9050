import { cp, mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectClient, type SequentClient } from '#src/client/client.ts';
import { ensureServer } from '#src/main/nats-server/fetch.ts';
import { isReplicable } from '#src/nats/replicas/replicable.ts';
import { INVOCATIONS } from '#src/nats/wire/topology.ts';
import { runCli } from '#test/support/cli/cli.ts';
import { type SequentProcess, startSequent } from '#test/support/cli/processes/sequent-process.ts';
import { type Cluster, startCluster } from '#test/support/cluster/cluster.ts';
import type { ClusterServer } from '#test/support/cluster/cluster-server.ts';
import { restoreForeignMessages } from '#test/support/cluster/foreign-store.ts';
import { removeDataFolder } from '#test/support/data-folders.ts';
import { argumentsOf, documentedLines } from '#test/support/documented-commands.ts';
import { shortTimes } from '#test/support/fixtures.ts';

/* The runbooks of docs/operations.md for a cluster. Their commands are read from there. */

const { bin, version } = await ensureServer();
const file = new URL('../support/e2e/functions.mjs', import.meta.url).pathname;
const SEQUENT = 'sequent ';
/** What the doctor says when it compared all three replicas. The exit code stands before. */
const ALL_EQUAL = /^[01] (?!.*was not compared).*replicas +equal; n/s;

describe.skipIf(!isReplicable(version))('on three servers, the runbook', () => {
  let folder: string;
  let cluster: Cluster;
  let sequent: SequentProcess;
  let client: SequentClient;
  let settings: Record<string, string>;

  const invoke = async (i: number): Promise<unknown> => (await (await client.invoke('slowly', { i })).result()).value;
  const httpOf = ({ readyLine }: SequentProcess): string => /http (http:\S+)/.exec(readyLine)?.[1] ?? '';
  const followersOf = (leader: ClusterServer): ClusterServer[] =>
    cluster.members.map(({ server }) => server).filter((server) => server !== leader);

  /** A new cluster may need some seconds for the leaders of all its streams, and a supervisor starts the roles again until there are. */
  async function startSupervised(): Promise<SequentProcess> {
    const deadline = performance.now() + 90_000;
    for (;;) {
      try {
        return await startSequent(['--http-port', '0'], settings);
      } catch (error) {
        if (performance.now() > deadline) throw error;
      }
    }
  }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sequent-cluster-'));
    cluster = await startCluster(bin, folder);
    settings = { ...shortTimes, NATS_URL: cluster.urls.join(','), SEQUENT_DATA: join(folder, 'data'), SEQUENT_REPLICAS: '3' };
    sequent = await startSupervised();
    client = await connectClient({ servers: [...cluster.urls] });
    await client.functions.put({ name: 'slowly', handler: { kind: 'process', file, export: 'slowly' }, concurrency: 16 });
    for (let i = 0; i < 20; i++) await invoke(i);
  });
  afterAll(async () => {
    await client.close();
    await sequent[Symbol.asyncDispose]();
    await cluster[Symbol.asyncDispose]();
    await removeDataFolder(folder);
  });

  /** Performs the next documented command on these servers until its exit code and output match. systemd and the path stand for theirs. */
  function runbook(heading: string): (expected: string, shows?: RegExp, servers?: readonly ClusterServer[]) => Promise<void> {
    const lines = documentedLines('docs/operations.md', heading);
    return async (expected, shows = /^0 /, servers = []) => {
      const line = lines.shift() ?? '';
      expect(line).toMatch(new RegExp(`^${expected}`));
      if (line.startsWith(SEQUENT)) await expect.poll(() => run(line.slice(SEQUENT.length)), { timeout: 60_000 }).toMatch(shows);
      for (const server of servers) await perform(line.split(' '), server);
    };
  }

  async function run(command: string): Promise<string> {
    const { code, stdout, stderr } = await runCli(argumentsOf(command), { env: settings });
    return `${code} ${stdout}${stderr}`;
  }

  async function perform([program, ...args]: readonly string[], server: ClusterServer): Promise<void> {
    const [first = '', second = ''] = args.map((path) => path.replace('/var/lib/nats', server.folder));
    if (program === 'mv') await rename(first, second);
    else if (first === 'stop') await server.end('SIGTERM');
    else server.start();
  }

  test('of a lost quorum starts two servers, one of them with an empty store, and nothing is lost', async () => {
    const next = runbook('Lost quorum');
    const leader = (await cluster.leader()).server;
    const down = [leader, ...followersOf(leader).slice(1)];
    for (const server of down) await server.end('SIGKILL');
    await rm(join(leader.folder, 'jetstream'), { recursive: true });
    await next('sequent doctor', /^6 .*JetStream does not: a cluster may have no leader/s);
    await expect.poll(async () => (await fetch(`${httpOf(sequent)}/readyz`)).status, { timeout: 30_000 }).toBe(503);
    await next('systemctl start', undefined, down);
    await cluster.healthy();
    expect(await invoke(20)).toEqual({ attempt: 1, i: 20 });
    await next('sequent doctor --replicas', ALL_EQUAL);
    await next('sequent loss ls', /has lost no message/);
  });

  test('of lost stores copies the one that is left to the two other servers, and nothing is lost', async () => {
    const next = runbook('Lost stores');
    const leader = (await cluster.leader()).server;
    const [kept, ...others] = followersOf(leader) as [ClusterServer, ClusterServer];
    const lost = [leader, ...others];
    const { messages } = (await client.connection.manager.streams.info(INVOCATIONS)).state;
    for (const server of lost) await server.end('SIGKILL');
    for (const server of lost) await rm(join(server.folder, 'jetstream'), { recursive: true });
    await next('systemctl stop sequent');
    await sequent[Symbol.asyncDispose]();
    await next('systemctl stop nats-server', undefined, [kept]);
    await next('rsync -a /var/lib/nats/jetstream/ lost:/var/lib/nats/jetstream/');
    for (const { folder: store } of lost) await cp(join(kept.folder, 'jetstream'), join(store, 'jetstream'), { recursive: true });
    await next('systemctl start nats-server', undefined, [kept, ...lost]);
    await cluster.healthy();
    await next('systemctl start sequent');
    const found = async () => (await client.connection.manager.streams.info(INVOCATIONS).catch(() => undefined))?.state.messages;
    await expect.poll(found, { timeout: 60_000 }).toBe(messages);
    sequent = await startSupervised();
    expect(await invoke(21)).toEqual({ attempt: 1, i: 21 });
    await next('sequent doctor --replicas', ALL_EQUAL);
    await next('sequent verify');
    await next('sequent loss ls', /has lost no message/);
  });

  test('of a diverged replica finds the replica, keeps a copy, and builds it again from the others', async () => {
    const next = runbook('Diverged replica');
    const leader = (await cluster.leader()).server;
    const [diverged] = followersOf(leader) as [ClusterServer];
    await diverged.end('SIGTERM');
    await restoreForeignMessages(diverged, client.connection);
    diverged.start();
    await cluster.healthy();
    await next('sequent doctor --replicas', /^1 .*replicas +differ; n/s);
    const { name } = diverged;
    await using other = await startSequent(['--role', 'gateway', '--http-port', '0'], settings);
    const seen = async (path: string) => (await fetch(httpOf(other) + path)).text();
    await expect.poll(() => seen('/metrics'), { timeout: 30_000 }).toContain('sequent_log_replicas_differ 1');
    expect(await seen('/api/system')).toMatch(new RegExp(`"replica_difference":"[^"]*${name}: \\d+ messages`));
    await next('sequent verify');

    // The projection read the messages of the former leader.
    const stepDown = JSON.stringify({ placement: { preferred: name } });
    await client.connection.nats.request(`$JS.API.STREAM.LEADER.STEPDOWN.${INVOCATIONS}`, stepDown);
    await expect.poll(async () => (await cluster.leader()).server.name, { timeout: 30_000 }).toBe(name);
    await expect
      .poll(() => sequent.stderr, { timeout: 60_000 })
      .toMatch(/the read model is rebuilt: message \d+ of the log is not the message/);
    await expect.poll(() => run('doctor'), { timeout: 30_000 }).toMatch(/^1 .*losses +the log lost at most/s);

    await next('systemctl stop', undefined, [diverged]);
    await next('mv', undefined, [diverged]);
    await next('systemctl start', undefined, [diverged]);
    await cluster.healthy();
    await next('sequent doctor --replicas', ALL_EQUAL);
    expect(await invoke(22)).toEqual({ attempt: 1, i: 22 });
    await next('sequent projection check');
    await next('sequent loss acknowledge');
    await expect.poll(() => seen('/metrics'), { timeout: 30_000 }).toContain('sequent_log_replicas_differ 0');
  });
});
