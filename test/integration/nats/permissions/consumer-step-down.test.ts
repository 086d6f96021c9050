import { describe, expect } from 'vitest';
import { inboxPrefixOf } from '#src/core/names/inboxes.ts';
import { userOfRole } from '#src/nats/permissions/permission-formats.ts';
import { PERMISSION_ROLES, type PermissionRole } from '#src/nats/permissions/role-permissions.ts';
import { createNatsLogReplicas } from '#src/nats/streams/queue/lagging-replicas.ts';
import { type Connection, openConnection } from '#src/nats/transport/connection/connection.ts';
import { DELIVERIES_CONSUMER, INVOCATIONS, RESULTS } from '#src/nats/wire/topology.ts';
import { test as base } from '#test/support/fixtures.ts';
import { startGuardedServer } from '#test/support/nats/guarded-server.ts';
import { openNats } from '#test/support/nats/opened-nats.ts';

/** Opens a connection with the printed permissions of a role. */
type Open = (role: PermissionRole) => Promise<Connection>;

const test = base.extend('open', async ({ task: _ }, { onCleanup }): Promise<Open> => {
  const guarded = await startGuardedServer(
    { admin: {} },
    PERMISSION_ROLES.map((role) => userOfRole(role)),
  );
  const opened: Connection[] = [];
  onCleanup(async () => {
    for (const connection of opened) await connection.close();
    await guarded[Symbol.asyncDispose]();
  });
  await using _provisioned = await openNats(guarded.as('admin'));
  return async (role) => {
    const options = { ...guarded.as(`sequent_${role}`), inboxPrefix: inboxPrefixOf(role) };
    const connection = await openConnection(options, { needsJetStream: false });
    opened.push(connection);
    return connection;
  };
});

const api = '$JS.API';
const ofFunction = `${api}.CONSUMER.LEADER.STEPDOWN.${INVOCATIONS}.fn-f`;
const ofDeliveries = `${api}.CONSUMER.LEADER.STEPDOWN.${INVOCATIONS}.${DELIVERIES_CONSUMER}`;
const others = [
  `${api}.CONSUMER.LEADER.STEPDOWN.${RESULTS}.c`,
  `${api}.STREAM.LEADER.STEPDOWN.${INVOCATIONS}`,
  `${api}.META.LEADER.STEPDOWN`,
  `${api}.STREAM.PEER.REMOVE.${INVOCATIONS}`,
];

describe('the printed permissions to ask a consumer to leave a server (CONS6)', () => {
  test('are those of the roles that pull from the log, for their own consumers alone', async ({ open }) => {
    const allowed = new Map<PermissionRole, string[]>();
    for (const role of PERMISSION_ROLES) {
      const { nats, refusals } = await open(role);
      const refused = new Set<string>();
      refusals.listen(({ subject }) => void refused.add(subject));
      const probes = [ofFunction, ofDeliveries, ...others];
      for (const subject of probes) nats.publish(subject);
      await refusals.settle();
      const found = probes.filter((subject) => !refused.has(subject));
      if (found.length > 0) allowed.set(role, found);
    }
    expect([...allowed]).toEqual([
      ['worker', [ofFunction, ofDeliveries]],
      ['destinations', [ofDeliveries]],
    ]);
  });

  test.for([
    ['worker', 'fn-f'],
    ['destinations', DELIVERIES_CONSUMER],
  ] as const)('let the server answer a %s', async ([role, consumer], { open }) => {
    const replicas = createNatsLogReplicas(await open(role));
    // A single server answers that it is no cluster.
    await expect(replicas.stepDown(consumer, 'n0')).rejects.toThrow(/cluster/i);
    expect((await replicas.read()).followers).toEqual([]);
    expect(await replicas.leaderOf(consumer)).toBeUndefined();
  });

  test('are named in the words for the administrator when they are missing', async ({ open }) => {
    const connection = await open('scheduler');
    const missing: string[] = [];
    connection.refusals.onMissingPermission((message) => void missing.push(message));
    await expect(createNatsLogReplicas(connection).stepDown('fn-f', 'n0')).rejects.toMatchObject({ name: 'NotPermittedError' });
    expect(missing.join('\n')).toContain(`publish: {allow: ["${api}.CONSUMER.LEADER.STEPDOWN.${INVOCATIONS}.*"]}`);
  });
});
