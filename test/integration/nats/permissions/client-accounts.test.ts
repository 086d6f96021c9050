import { describe, expect } from 'vitest';
import { inboxPrefixOf } from '#src/core/names/inboxes.ts';
import { readAccount } from '#src/nats/inspection.ts';
import { accountsConfig, SEQUENT_ACCOUNT } from '#src/nats/permissions/accounts.ts';
import { toAccountUser, toServerConfig, userOfRole } from '#src/nats/permissions/permission-formats.ts';
import { INVOCATIONS } from '#src/nats/wire/topology.ts';
import { test } from '#test/support/fixtures.ts';
import { type GuardedServer, startGuardedServer } from '#test/support/nats/guarded-server.ts';
import { startLeafNode } from '#test/support/nats/leaf-node.ts';
import { type OpenedNats, openNats } from '#test/support/nats/opened-nats.ts';
import { attack, connectStranger, contentOf, replyAttacks } from '#test/support/nats/reply-attacks.ts';

const clients = [userOfRole('producer'), userOfRole('consumer'), userOfRole('producer', { project: 'shop' })];

/** The streams of Sequent, with a function and a request. */
async function provision(address: Parameters<typeof openNats>[0]): Promise<OpenedNats> {
  const nats = await openNats(address);
  await nats.ports.functions.put('hello', '{}');
  await nats.ports.log.accept({ function: 'other' as never, stream: 'a' as never }, [{ payload: '{}' }]);
  return nats;
}

/** What the attacks of a client on these subjects of JetStream's API changed, besides the requests on the subject that it may publish. */
async function changesBy(
  client: Awaited<ReturnType<typeof connectStranger>>,
  { connection: { manager } }: OpenedNats,
  { subject, apis }: { subject: string; apis?: string[] },
): Promise<{ before: object; after: object }> {
  const before = await contentOf(manager, subject);
  // A client may publish requests for other functions anyway, by a trace too.
  const attacks = replyAttacks(Object.keys(before), apis).filter(({ traceDest = '' }) => !traceDest.startsWith('invoke.'));
  await attack(client, subject, attacks);
  return { before, after: await contentOf(manager, subject) };
}

const asProducer = (server: GuardedServer, name: string) => ({
  ...server.as(name),
  inboxPrefix: inboxPrefixOf(name.replace('sequent_', '')),
});

describe('a client in an account of its own', () => {
  test.for([
    ['sequent_producer', 'invoke.hello'],
    ['sequent_producer_shop', 'invoke.shop.hello'],
  ] as const)('changes nothing but requests as %s (ACC2)', async ([name, subject]) => {
    await using server = await startGuardedServer({ admin: {} }, clients);
    await using owner = await provision(server.as('admin'));
    expect(await readAccount(owner.connection)).toEqual({ name: 'SEQUENT', isGlobal: false, hasUsers: true });
    const client = await connectStranger(asProducer(server, name));
    const { before, after } = await changesBy(client, owner, { subject });
    expect(after).toEqual(before);
    expect((await owner.connection.manager.streams.info(INVOCATIONS)).state.messages).toBeGreaterThan(50);
    await client.close();
  });

  test('changes nothing but requests through a leaf node and a JetStream domain (ACC2)', { timeout: 60_000 }, async ({ folder }) => {
    const admin = { user: 'admin', pass: 'pw' };
    const entry = '{ user: admin, password: pw }';
    const [producer, consumer] = [userOfRole('producer'), userOfRole('consumer')];
    const environment = 'SEQUENT_PRODUCER_PASSWORD: pw\nSEQUENT_CONSUMER_PASSWORD: pw\n';
    const onHub = [{ account: SEQUENT_ACCOUNT, entry }, ...[producer, consumer].map(toAccountUser)];
    const onLeaf = `accounts { ${SEQUENT_ACCOUNT} { users: [${entry}] }
      ${producer.account} { users: [${toServerConfig(producer)}\n${toServerConfig(consumer)}] } }`;
    await using leaf = await startLeafNode(folder, {
      user: admin,
      hub: `${environment}${accountsConfig(onHub).join('\n')}`,
      users: `${environment}${onLeaf}`,
      accounts: [SEQUENT_ACCOUNT, producer.account],
    });
    const common = { servers: leaf.leafUrl, tls: { caFile: leaf.caFile, handshakeFirst: true }, pass: 'pw' };
    await using owner = await provision({ ...common, ...admin, domain: 'hub' });
    // The hub sends nothing back to the leaf node that it came from, so the roles of this test are at the hub.
    await using role = await openNats({ ...common, ...admin, servers: leaf.hubUrl });
    const client = await connectStranger({ ...common, user: producer.name, inboxPrefix: inboxPrefixOf('producer') });
    const hearer = await connectStranger({ ...common, user: consumer.name, inboxPrefix: inboxPrefixOf('consumer') });
    const results: string[] = [];
    hearer.subscribe('result.hello.>', { callback: (_, message) => void results.push(message.string()) });
    await hearer.flush();
    // The interest of a subscriber reaches the hub after a moment.
    await expect
      .poll(async () => {
        await role.ports.publisher.publish('result.hello.succeeded', '{"value":1}');
        return results[0];
      })
      .toBe('{"value":1}');
    const { before, after } = await changesBy(client, owner, {
      subject: 'invoke.hello',
      apis: ['$JS.API', '$JS.hub.API', '$JS.leaf.API'],
    });
    expect(after).toEqual(before);
    for (const connection of [client, hearer]) await connection.close();
  });
});

describe('a client in the account of Sequent', () => {
  test('changes what is stored, although it may publish requests alone (ACC1)', async () => {
    const shared = clients.map(({ name, permissions }) => ({ name, permissions }));
    await using server = await startGuardedServer({ admin: {} }, shared);
    await using owner = await provision(server.as('admin'));
    expect(await readAccount(owner.connection)).toEqual({ name: '$G', isGlobal: true, hasUsers: true });
    const client = await connectStranger(asProducer(server, 'sequent_producer'));
    const { before, after } = await changesBy(client, owner, { subject: 'invoke.hello' });
    expect(after).not.toEqual(before);
    await client.close();
  });
});
