import { join } from 'node:path';
import { systemClock } from '#src/core/ports/clock.ts';
import type { Fsync } from '#src/main/nats-server/files.ts';
import { INVOCATIONS } from '#src/nats/wire/topology.ts';
import { freePort } from '#test/support/free-port.ts';
import { ClusterServer } from './cluster-server.ts';
import { startTcpProxy, type TcpProxy } from './tcp-proxy.ts';

const SIZE = 3;
/** A leader that has not heard of a healthy server for so long never does. */
const PEERS_WITHIN_MS = 20_000;
const BOOTSTRAPS = 3;

/** One server of a cluster with the proxies in front of it. */
type Member = {
  server: ClusterServer;
  /** The proxy of the clients. */
  clients: TcpProxy;
  /** The proxies between this server and the others, in both directions. */
  routes: readonly TcpProxy[];
};

/** Three nats-servers, with a TCP proxy for the clients of each, and one for each route. */
export interface Cluster extends AsyncDisposable {
  readonly urls: readonly string[];
  readonly members: readonly Member[];
  /** The member that leads the log. */
  leader(): Promise<Member>;
  /** Resolves when all servers hold all streams up to date. */
  healthy(): Promise<void>;
}

type JetStreamStatus = {
  account_details?: {
    stream_detail?: { name: string; cluster?: { leader?: string } }[];
  }[];
  /** Only the leader names the replicas. */
  meta_cluster?: { leader?: string; replicas?: { offline?: boolean }[] };
};

/** `folder` is that of the servers, or that of each server. `users` is the part of their configuration with the users. */
export async function startCluster(bin: string, folder: string | readonly string[], fsync?: Fsync, users?: string): Promise<Cluster> {
  const ports: number[] = [];
  while (ports.length < SIZE * 3) ports.push(await freePort());
  const portsOf = (index: number) => {
    const [client = 0, cluster = 0, monitor = 0] = ports.slice(index * 3, index * 3 + 3);
    return { client, cluster, monitor };
  };
  const folderOf = (index: number): string => (typeof folder === 'string' ? join(folder, `n${index}`) : join(folder[index] ?? '', 'nats'));
  const indexes = Array.from({ length: SIZE }, (_, index) => index);
  const clients = await Promise.all(indexes.map((index) => startTcpProxy(portsOf(index).client)));
  const routes = new Map<string, TcpProxy>();
  for (const from of indexes)
    for (const to of indexes) if (from !== to) routes.set(`${from}>${to}`, await startTcpProxy(portsOf(to).cluster));

  const members = indexes.map((index): Member => {
    const dialled = indexes.filter((other) => other !== index).map((other) => routes.get(`${index}>${other}`)?.port ?? 0);
    const advertised = clients[index]?.port ?? 0;
    const name = `n${index}`;
    return {
      server: new ClusterServer({ bin, name, folder: folderOf(index), ports: portsOf(index), advertised, routes: dialled, fsync, users }),
      clients: clients[index] as TcpProxy,
      routes: [...routes].filter(([key]) => key.includes(`${index}`)).map(([, proxy]) => proxy),
    };
  });

  const logOf = async ({ server }: Member) => {
    const status = await server.ask<JetStreamStatus>('/jsz?accounts=1&streams=1');
    return status?.account_details?.[0]?.stream_detail?.find(({ name }) => name === INVOCATIONS);
  };
  const cluster: Cluster = {
    urls: clients.map(({ port }) => `nats://127.0.0.1:${port}`),
    members,
    async leader() {
      for (;;) {
        for (const member of members) {
          const leader = (await logOf(member))?.cluster?.leader;
          const found = members.find(({ server }) => server.name === leader);
          if (found !== undefined) return found;
        }
        await systemClock.sleep(100);
      }
    },
    async healthy() {
      for (const { server } of members) await server.healthy();
    },
    async [Symbol.asyncDispose]() {
      for (const { server } of members) await server.end('SIGKILL');
      for (const proxy of [...clients, ...routes.values()]) await proxy[Symbol.asyncDispose]();
    },
  };
  for (let left = BOOTSTRAPS; !(await bootstraps()); ) {
    if (--left === 0) throw new Error(`three servers did not become one cluster in ${BOOTSTRAPS} starts: ${members[0]?.server.folder}`);
    for (const { server } of members) await server.forget();
  }
  return cluster;

  /**
   * Starts the servers with empty stores. nats-server 2.10 sometimes begins a cluster of three with two of them, when their routes end as
   * duplicates at that moment. The third one then never becomes a peer.
   */
  async function bootstraps(): Promise<boolean> {
    for (const { server } of members) server.start();
    await cluster.healthy();
    const deadline = performance.now() + PEERS_WITHIN_MS;
    while (performance.now() < deadline) {
      if (await hasAllPeers()) return true;
      await systemClock.sleep(100);
    }
    return false;
  }

  /** Whether the leader of the cluster has heard of both other servers. Before, it refuses streams of three replicas. */
  async function hasAllPeers(): Promise<boolean> {
    for (const { server } of members) {
      const { leader, replicas = [] } = (await server.ask<JetStreamStatus>('/jsz'))?.meta_cluster ?? {};
      if (leader === server.name) return replicas.filter(({ offline }) => !offline).length === SIZE - 1;
    }
    return false;
  }
}
