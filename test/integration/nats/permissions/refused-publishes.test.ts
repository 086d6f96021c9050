import { expect } from 'vitest';
import { type Connection, openConnection } from '#src/nats/transport/connection/connection.ts';
import { createPublisher, type PublishAnswer } from '#src/nats/transport/publisher.ts';
import { type GuardedServer, startGuardedServer } from '#test/support/nats/guarded-server.ts';
import { serverSharedByFile } from '#test/support/shared-by-file.ts';

const api = ['$JS.API.INFO', '$JS.API.STREAM.NAMES'];
const usersWith = (allowed: string) => ({
  all: {},
  writer: { publish: { allow: [...api, allowed] }, subscribe: { allow: ['_INBOX.>'] } },
});

const test = serverSharedByFile(() => startGuardedServer(usersWith('log.open')));
let server: GuardedServer;
let connection: Connection;
let admin: Connection;
test.beforeAll(async ({ server: own }) => {
  server = own;
  connection = await openConnection(server.as('writer'));
  admin = await openConnection(server.as('all'));
  await (await admin.nats.jetstreamManager()).streams.add({ name: 'LOG', subjects: ['log.*'] });
});
test.afterAll(async () => {
  await connection.close();
  await admin.close();
});

test('the publisher resolves the refused ones of many publishes in flight at once, and stores the others', async () => {
  // Longer than the test may take: a publish that waited for its timeout would not end.
  const publisher = createPublisher(connection, { timeoutInMs: 600_000 });
  const startedAt = performance.now();
  const subjects = Array.from({ length: 3_000 }, (_, index) => (index % 3 === 0 ? 'log.open' : `log.closed-${index % 300}`));
  const answers = await Promise.all(subjects.map((subject) => publisher.publish(subject, 'x')));
  expect(performance.now() - startedAt).toBeLessThan(15_000);
  for (const [index, answer] of answers.entries()) {
    if (index % 3 === 0) expect(answer).toMatchObject({ kind: 'stored' });
    else expect(answer).toMatchObject({ kind: 'refused', isForbidden: true, why: expect.stringContaining(`"${subjects[index]}"`) });
  }
  publisher.close();
});

test('the publisher reports no stored publish as refused when the permissions change', async ({ signal }) => {
  const publisher = createPublisher(connection, { timeoutInMs: 1_000 });
  const answers: PublishAnswer[] = [];
  for (const [allowed, wanted] of [
    ['log.shut', 'refused'],
    ['log.open', 'stored'],
  ] as const) {
    await server.change(usersWith(allowed));
    // The time limit of the test ends the wait for a change that does not come.
    for (let last: PublishAnswer['kind'] | undefined; last !== wanted && !signal.aborted; last = answers.at(-1)?.kind)
      answers.push(...(await Promise.all(Array.from({ length: 500 }, () => publisher.publish('log.open', 'x')))));
  }
  publisher.close();
  const { state } = await (await admin.nats.jetstreamManager()).streams.info('LOG', { subjects_filter: 'log.open' });
  const stored = answers.filter(({ kind }) => kind === 'stored').length;
  const unknown = answers.filter(({ kind }) => kind === 'unknown').length;
  const earlier = 1_000;
  expect(state.subjects?.['log.open']).toBeGreaterThanOrEqual(earlier + stored);
  expect(state.subjects?.['log.open']).toBeLessThanOrEqual(earlier + stored + unknown);
});
