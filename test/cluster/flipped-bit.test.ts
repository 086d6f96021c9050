import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ensureServer } from '#src/main/nats-server/fetch.ts';
import { examineReplicas } from '#src/nats/replicas/examine-replicas.ts';
import { isReplicable } from '#src/nats/replicas/replicable.ts';
import { INVOCATIONS } from '#src/nats/wire/topology.ts';
import { type Cluster, startCluster } from '#test/support/cluster/cluster.ts';
import { removeDataFolder } from '#test/support/data-folders.ts';
import { flipBit } from '#test/support/nats/disks/flip-bit.ts';
import { openNats, topology } from '#test/support/nats/opened-nats.ts';
import { writeLog } from '#test/support/projection/write-log.ts';

/* A disk flips a bit in the replica of one server of three (nats-server#7549). */

const { bin, version } = await ensureServer();
const COUNT = 60;

describe.skipIf(!isReplicable(version))('of three replicas, the comparison names the one with a flipped bit', () => {
  let folder: string;
  let cluster: Cluster;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sequent-cluster-'));
    cluster = await startCluster(bin, folder);
  });
  afterAll(async () => {
    await cluster[Symbol.asyncDispose]();
    await removeDataFolder(folder);
  });

  test('in the body of a message in the middle of the log', async () => {
    await using nats = await openNats({ servers: cluster.urls.join(',') }, { topology: { ...topology, replicas: 3 } });
    await writeLog(nats.connection, COUNT);
    const leader = (await cluster.leader()).server;
    const flipped = cluster.members.map(({ server }) => server).find((server) => server !== leader);
    if (flipped === undefined) throw new Error('the cluster has one server');
    await flipped.end('SIGTERM');
    await flipBit({ store: join(flipped.folder, 'jetstream'), stream: INVOCATIONS, message: 12, place: 'body' });
    flipped.start();
    await cluster.healthy();
    const compare = async () => {
      const compared = await examineReplicas(nats.connection);
      const hashOf = (name: string) => compared?.replicas.find(({ server }) => server === name)?.hash;
      const others = new Set(compared?.replicas.filter(({ server }) => server !== flipped.name).map(({ hash }) => hash));
      return {
        skipped: compared?.skipped,
        isEqual: compared?.isEqual,
        hashes: others.size,
        isAlone: !others.has(hashOf(flipped.name) ?? ''),
      };
    };
    await expect.poll(compare, { timeout: 60_000 }).toEqual({ skipped: [], isEqual: false, hashes: 1, isAlone: true });
  });
});
