import { describe, expect, test } from 'vitest';
import { openNatsPorts } from '#src/nats/ports.ts';
import { compareReplicas } from '#src/nats/replicas/compare-replicas.ts';
import type { OpenCursors, ReplicaCursor } from '#src/nats/replicas/replica-cursors.ts';
import { isReplicable } from '#src/nats/replicas/replicable.ts';
import type { Connection } from '#src/nats/transport/connection/connection.ts';
import { topology } from '#test/support/nats/opened-nats.ts';

type Replica = ReadonlyMap<number, string>;

/** Cursors into replicas that hold these messages by their sequences. The names of the servers are n0, n1, n2. */
function cursorsInto(replicas: readonly Replica[]): OpenCursors {
  return async ({ from, servers }, use) =>
    use(
      servers.map((server): ReplicaCursor => {
        const found = [...(replicas[Number(server.slice(1))] ?? [])].filter(([sequence]) => sequence >= from);
        const read = found.map(([sequence, content]) => ({ sequence, at: sequence, subject: 's', data: Buffer.from(content) }));
        return { server, messages: found.length, read: async (count) => read.slice(0, count) };
      }),
    );
}

const messages = (count: number, changed: Record<number, string | undefined> = {}): Map<number, string> => {
  const all = new Map(Array.from({ length: count }, (_, index) => [index + 1, `message ${index + 1}`]));
  for (const [sequence, content] of Object.entries(changed)) {
    if (content === undefined) all.delete(Number(sequence));
    else all.set(Number(sequence), content);
  }
  return all;
};

const compare = (...replicas: Replica[]) =>
  compareReplicas(cursorsInto(replicas), { servers: ['n0', 'n1', 'n2'], first: 1, upTo: 1_000, blocks: 4 });

describe('the comparison of replicas', () => {
  test('finds equal replicas equal, also when one of them holds newer messages', async () => {
    expect(await compare(messages(1_000), messages(1_000), messages(1_010))).toMatchObject({
      isEqual: true,
      skipped: [],
      replicas: [{ server: 'n0', messages: 1_000, first: 1 }, { messages: 1_000 }, { messages: 1_000 }],
    });
  });

  test.for([
    ['a missing message anywhere', { 777: undefined }],
    ['another message in a sampled block', { 30: 'another' }],
    ['another last message', { 1000: 'another' }],
  ] as const)('finds %s', async ([, changed]) => {
    expect((await compare(messages(1_000), messages(1_000), messages(1_000, changed))).isEqual).toBe(false);
  });

  test('names the replicas on whose servers no consumer was placed, and compares the others', async () => {
    const open: OpenCursors = (at, use) =>
      cursorsInto([messages(1_000), messages(1_000), messages(1_000)])(at, (all) => use(all.slice(0, 2)));
    const compared = await compareReplicas(open, { servers: ['n0', 'n1', 'n2'], first: 1, upTo: 1_000, blocks: 4 });
    expect(compared).toMatchObject({ isEqual: true, replicas: [{ server: 'n0' }, { server: 'n1' }] });
    expect(compared.skipped).toEqual([{ server: 'n2', why: 'JetStream placed no consumer on it' }]);
  });
});

describe('several replicas', () => {
  test.for(['2.12.0', '2.12.15', '2.15.1', '2.12.0-RC.1', '3.0.0'])('may be kept by nats-server %s', (version) => {
    expect(isReplicable(version)).toBe(true);
  });

  test.for(['2.10.27', '2.11.9'])('are refused on nats-server %s with the reason, before any stream is created', async (version) => {
    // Every request on this connection would throw.
    const connection = { nats: { info: { version } } } as Connection;
    const opening = openNatsPorts(connection, { topology: { ...topology, replicas: 3 }, leaseInMs: 1_000 });
    await expect(opening).rejects.toMatchObject({ code: 'NATS_TOO_OLD', retryable: false });
    await expect(opening).rejects.toThrow(
      `--replicas 3 needs nats-server 2.12 or newer, not ${version}: the replicas of an older cluster can differ after failures`,
    );
  });
});
