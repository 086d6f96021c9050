import { randomBytes } from 'node:crypto';
import { expect } from 'vitest';
import { connectClient, defineFunction, startWorker } from '#src/client/client.ts';
import { encryptProject } from '#src/core/encryption/change-project.ts';
import { parseMasterKeys } from '#src/core/encryption/master-keys.ts';
import { test } from '#test/support/fixtures.ts';
import { startScheduler } from '#test/support/payloads/payload-store-tests.ts';

type Event = { text: string };

test('large and sealed events of one group reach the handler whole and in order, with their ids', async ({ server, nats }) => {
  const ran: { lengths: number[]; ids: readonly string[] | undefined }[] = [];
  const gathers = defineFunction<Event, number>({
    name: 'gathers',
    maxPayloadBytes: 2_000_000,
    // A pause of 5 s between two invocations does not end the group.
    flow: { debounce: { wait: '10s', maxWait: '1h', keep: 'all' } },
    handler: (event, context) => {
      const events = event as unknown as readonly Event[];
      ran.push({ lengths: events.map(({ text }) => text.length), ids: context.requestIds });
      return events.length;
    },
  });
  const encryptionKeys = `k1 ${randomBytes(32).toString('base64')}\n`;
  const keys = parseMasterKeys(encryptionKeys, 'the keys');
  await encryptProject(nats.ports.functions, undefined, { keys, now: Date.now() - 60_000 });
  await using _scheduler = await startScheduler(server.url);
  await using _worker = await startWorker({ servers: server.url, functions: [gathers], encryptionKeys });
  await using client = await connectClient({ servers: server.url, encryptionKeys });
  const lengths = [10, 600_000, 20, 900_000];
  const invoked: Awaited<ReturnType<typeof client.invoke>>[] = [];
  for (const length of lengths) invoked.push(await client.invoke(gathers, { text: 'x'.repeat(length) }));
  for (const one of invoked) expect(await one.result()).toMatchObject({ outcome: 'succeeded', value: lengths.length });
  const ids = invoked.map(({ requestId }) => requestId);
  expect(ran).toEqual([{ lengths, ids }]);
  const { requestPayload } = await client.timeline(ids[1] ?? '', { function: 'gathers' });
  expect(requestPayload).not.toContain('xxx');
});
