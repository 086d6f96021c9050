import { describe, expect } from 'vitest';
import { createSubjectRules } from '#src/core/names/addressable.ts';
import { createNatsTarget } from '#src/destinations/targets/nats.ts';
import { createPublications } from '#src/nats/streams/publications.ts';
import { type Connection, openConnection } from '#src/nats/transport/connection/connection.ts';
import { createPublisher } from '#src/nats/transport/publisher.ts';
import { deliveryTo, neverAborted } from '#test/support/destinations/deliveries.ts';
import { type GuardedServer, startGuardedServer } from '#test/support/nats/guarded-server.ts';
import { serverSharedByFile } from '#test/support/shared-by-file.ts';

const users = {
  all: {},
  destinations: {
    publish: { allow: ['$JS.API.INFO', '$JS.API.STREAM.NAMES', 'open.>'] },
    subscribe: { allow: ['_INBOX.>'] },
  },
};

const test = serverSharedByFile(() => startGuardedServer(users));
let server: GuardedServer;
let connection: Connection;
let listener: Connection;
test.beforeAll(async ({ server: own }) => {
  server = own;
  connection = await openConnection(server.as('destinations'));
  listener = await openConnection(server.as('all'));
  listener.nats.subscribe('>', { callback: () => {} });
  const manager = await listener.nats.jetstreamManager();
  await manager.streams.add({ name: 'CLOSED', subjects: ['closed.stream'] });
});
test.afterAll(async () => {
  await connection.close();
  await listener.close();
});

function target(publisher = createPublisher(connection)) {
  return createNatsTarget({ publisher: createPublications(connection, publisher), subjects: createSubjectRules() });
}

describe('a NATS destination whose subject the user may not publish to', () => {
  test('is not delivered; the reason names the subject, the user and the missing permission', async () => {
    expect(await target().deliver(deliveryTo('NATS', { subject: 'closed.plain' }), neverAborted)).toEqual({
      kind: 'dead',
      reason:
        'subject "closed.plain" refused the message: NATS does not permit user "destinations" to publish to "closed.plain"; add publish: {allow: ["closed.plain"]} to the permissions of this user',
    });
  });

  test('is distinguished from a permitted one, with many of both in flight on the connection', async () => {
    const outside = target();
    const subjects = Array.from({ length: 400 }, (_, index) => (index % 2 === 0 ? `open.${index % 8}` : `closed.${index % 8}`));
    const results = await Promise.all(subjects.map((subject) => outside.deliver(deliveryTo('NATS', { subject }), neverAborted)));
    for (const [index, result] of results.entries()) {
      if (index % 2 === 0) expect(result).toEqual({ kind: 'delivered' });
      else expect(result).toMatchObject({ kind: 'dead', reason: expect.stringContaining(`publish to "${subjects[index]}"`) });
    }
  });

  test('is found when its subject holds characters that the server quotes', async () => {
    for (const subject of ['closed."quoted"', 'closed.back\\slash', 'closed.größe.日本'])
      expect(await target().deliver(deliveryTo('NATS', { subject }), neverAborted)).toMatchObject({ kind: 'dead' });
  });

  test('is not delivered on a subject of a stream either, and the refusal needs no timeout', async () => {
    // Longer than the test may take: a publish that waited for its timeout would not end.
    const patient = target(createPublisher(connection, { timeoutInMs: 600_000 }));
    expect(await patient.deliver(deliveryTo('NATS', { subject: 'closed.stream' }), neverAborted)).toMatchObject({
      kind: 'dead',
      reason: expect.stringContaining('user "destinations" to publish to "closed.stream"'),
    });
  });
});

test('a permitted destination without a subscriber is retried', async () => {
  await using lonely = await startGuardedServer(users);
  const other = await openConnection(lonely.as('destinations'));
  const outside = createNatsTarget({ publisher: createPublications(other, createPublisher(other)), subjects: createSubjectRules() });
  expect(await outside.deliver(deliveryTo('NATS', { subject: 'open.unheard' }), neverAborted)).toEqual({
    kind: 'failed',
    reason: 'no stream stores subject "open.unheard"',
  });
  await other.close();
});
