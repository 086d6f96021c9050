import { expect } from 'vitest';
import { openReceiver } from '#test/support/destinations/receiver.ts';
import { test } from '#test/support/fixtures.ts';

const file = new URL('../../support/destinations/functions.mjs', import.meta.url).pathname;

test('without a connections file, HTTP destinations reach this machine, and no private address', async ({ client, log }) => {
  await using receiver = await openReceiver();
  const put = (url: string) =>
    client.functions.put({
      name: 'obey',
      handler: { kind: 'process', file, export: 'obey' },
      policy: { onSuccess: [{ destination: 'HTTP', param: { url } }] },
    });
  await put(`${receiver.url}/hook`);
  const { requestId } = await client.invoke('obey', { value: 7 });
  await log.untilNotified([requestId]);
  expect(receiver.received.map(({ path, body }) => [path, JSON.parse(body).request_context.request_id])).toEqual([['/hook', requestId]]);
  await expect(put('https://10.0.0.1/hook')).rejects.toThrow(
    '10.0.0.1 is not at a public address by connection "http"; write {"http":{"kind":"http","allowPrivate":true}} to a file and start ' +
      'Sequent with --connections <file>',
  );
});
