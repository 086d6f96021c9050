import { expect } from 'vitest';
import { connectClient, defineFunction, startWorker } from '#src/client/client.ts';
import { sharedTest as test } from '#test/support/fixtures.ts';

const failing = defineFunction({
  name: 'failing',
  policy: { maxRetries: 0 },
  handler: () => {
    throw new Error('no stock');
  },
});

test('of two clients that redrive an invocation once at the same time, one starts it and one leaves it out', async ({
  server,
  nats: _,
}) => {
  await using _worker = await startWorker({ servers: server.url, functions: [failing] });
  await using one = await connectClient({ servers: server.url });
  await using other = await connectClient({ servers: server.url });
  const invoked = await one.invoke(failing, {});
  expect(await invoked.result()).toMatchObject({ outcome: 'failed' });
  const named = { function: 'failing' };
  const redriven = await Promise.all([one, other].map(({ repair }) => repair.redriveOnce(invoked.requestId, named)));
  const started = redriven.filter((id) => id !== undefined);
  expect(started).toHaveLength(1);
  const { transitions } = await one.timeline(invoked.requestId, named);
  expect(transitions.flatMap(({ fact }) => (fact.type === 'redriven' ? [fact.redrive] : []))).toEqual(started);
  expect(await one.result(started[0] ?? '', named)).toMatchObject({ outcome: 'failed' });
});
