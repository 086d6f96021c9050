import { expect, test } from 'vitest';
import { receiverConnection, startDeliveringSystem, toHttp } from '#test/support/destinations/delivering-system.ts';
import { answer, openReceiver } from '#test/support/destinations/receiver.ts';

const file = new URL('../../support/destinations/functions.mjs', import.meta.url).pathname;

test('without its connection a new destination is refused, and deliveries to a present one end dead', async () => {
  await using receiver = await openReceiver(answer(200));
  await using sequent = await startDeliveringSystem({ receiver: receiverConnection(receiver) });
  const put = (connection: string) =>
    sequent.run([
      'fn',
      'put',
      'obey',
      '--file',
      file,
      '--handler',
      'obey',
      '--on-success',
      JSON.stringify(toHttp(receiver.url, connection)),
    ]);
  const reason = (name: string): string => `insufficient permission: no connection "${name}" of the kind "http" is configured`;

  const refused = await put('elsewhere');
  expect(refused).toMatchObject({ code: 2, stdout: '' });
  expect(refused.stderr).toContain(`policy.onSuccess[0] cannot be used: ${reason('elsewhere')}`);
  expect((await put('receiver')).code).toBe(0);

  await sequent.restart({ another: receiverConnection(receiver) });
  const { requestId } = await sequent.client.invoke('obey', {});
  await sequent.log.untilNotified([requestId]);
  expect(sequent.log.facts.get(requestId)?.find(({ type }) => type === 'delivery.dead')).toMatchObject({
    reason: expect.stringContaining(reason('receiver')),
  });
  expect(receiver.received).toEqual([]);
  // A pause does not check the destinations.
  expect((await sequent.run(['fn', 'pause', 'obey'])).code).toBe(0);
});
