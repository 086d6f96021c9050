import { describe, expect, onTestFinished } from 'vitest';
import { createDisStreams } from '#src/nats/streams/dis-streams.ts';
import { type Connection, openConnection } from '#src/nats/transport/connection/connection.ts';
import { createPublisher } from '#src/nats/transport/publisher.ts';
import { type GuardedServer, startGuardedServer } from '#test/support/nats/guarded-server.ts';
import { serverSharedByFile } from '#test/support/shared-by-file.ts';

const permitted = ['$JS.API.INFO', '$JS.API.STREAM.INFO.SEQUENT_DIS', 'dis.*'];
const usersWith = (publish: readonly string[]) => ({
  all: {},
  destinations: { publish: { allow: publish }, subscribe: { allow: ['_INBOX.>'] } },
});

const test = serverSharedByFile(() => startGuardedServer(usersWith(permitted)));
let server: GuardedServer;
let admin: Connection;
test.beforeAll(async ({ server: own }) => {
  server = own;
  admin = await openConnection(server.as('all'));
});
test.afterAll(async () => {
  await admin.close();
});

async function openStreams(user: string, replicas = 1) {
  const connection = await openConnection(server.as(user));
  onTestFinished(() => connection.close());
  const problems: string[] = [];
  const options = {
    connection,
    publisher: createPublisher(connection),
    topology: { replicas },
    onProblem: (problem: string) => problems.push(problem),
  };
  const streams = createDisStreams(options);
  const record = { stream: 'results', partitionKey: 'id', data: 'e30=', timestamp: 0, deliveryId: 'id/dis-0' };
  return { problems, publish: () => streams.publishRecord(record) };
}

const names = async (): Promise<string[]> => await admin.manager.streams.names().next();

describe('the built-in DIS streams', () => {
  test('are not created before the first record', async () => {
    await openStreams('all');
    expect(await names()).toEqual([]);
  });

  test('fail each record, and report the reason once, while another stream has their subjects', async () => {
    const { problems, publish } = await openStreams('all');
    await admin.manager.streams.add({ name: 'THEIRS', subjects: ['dis.>'] });
    const reason = expect.stringContaining('the stream SEQUENT_DIS cannot be created: subjects overlap with an existing stream');
    for (let tries = 0; tries < 2; tries++) expect(await publish()).toEqual({ kind: 'failed', reason });
    expect(problems).toEqual([reason]);
    await admin.manager.streams.delete('THEIRS');
    expect(await publish()).toEqual({ kind: 'stored' });
    expect(await names()).toEqual(['SEQUENT_DIS']);
  });

  test('are created again after an operator removed them', async () => {
    const { publish } = await openStreams('all');
    expect(await publish()).toEqual({ kind: 'stored' });
    await admin.manager.streams.delete('SEQUENT_DIS');
    expect(await publish()).toMatchObject({ kind: 'failed' });
    expect(await publish()).toEqual({ kind: 'stored' });
    await admin.manager.streams.delete('SEQUENT_DIS');
  });

  test('have the configured number of replicas', async () => {
    const { publish } = await openStreams('all', 3);
    expect(await publish()).toEqual({
      kind: 'failed',
      reason: expect.stringContaining('replicas > 1 not supported in non-clustered mode'),
    });
  });

  test('name the missing permission, and are created once it is granted', async () => {
    const { problems, publish } = await openStreams('destinations');
    const reason = expect.stringContaining('add publish: {allow: ["$JS.API.STREAM.CREATE.SEQUENT_DIS"]} to the permissions of this user');
    expect(await publish()).toEqual({ kind: 'failed', reason });
    expect(problems).toEqual([reason]);
    await server.change(usersWith([...permitted, '$JS.API.STREAM.CREATE.SEQUENT_DIS']));
    await expect.poll(publish, { timeout: 5_000 }).toEqual({ kind: 'stored' });
  });
});
