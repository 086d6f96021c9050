import { headers } from 'nats';
import { expect, test } from 'vitest';
import { receiverConnection, startDeliveringSystem, toHttp } from '#test/support/destinations/delivering-system.ts';
import { answer, openReceiver } from '#test/support/destinations/receiver.ts';

const DELIVERIES = 60;
/** A killed process leaves leases that must expire, and first tries that the scheduler must miss. */
const SETTINGS = { SEQUENT_LEASE_MS: '1000', SEQUENT_PATIENCE_MS: '500' };

test('deliveries that wait for a circuit survive a killed process, and arrive after a recovery', { timeout: 120_000 }, async () => {
  let isRepaired = false;
  await using receiver = await openReceiver((response, received, request) => answer(isRepaired ? 200 : 503)(response, received, request));
  const connections = { receiver: receiverConnection(receiver) };
  await using sequent = await startDeliveringSystem(connections, SETTINGS, 'worker,scheduler,destinations');
  const { log, client } = sequent;
  await client.functions.put({
    name: 'doomed',
    handler: { kind: 'process', file: '/never.mjs' },
    policy: { onFailure: [toHttp(receiver.url)] },
  });
  // A payload that is not JSON is an outcome with deliveries, without an execution.
  const ids = Array.from({ length: DELIVERIES }, (_, index) => `doomed-${index}`);
  for (const id of ids) {
    const named = headers();
    named.set('Request-Id', id);
    log.connection.nats.publish('invoke.doomed', '{', { headers: named });
  }
  await log.until((fact) => fact.type === 'delivery.postponed');
  await sequent.process.signal('SIGKILL');
  isRepaired = true;
  await sequent.restart(connections);
  await log.untilNotified(ids);
  for (const id of ids) {
    const types = log.facts.get(id)?.map(({ type }) => type) ?? [];
    expect(
      types.filter((type) => type === 'delivery.delivered'),
      id,
    ).toHaveLength(1);
    expect(types, id).not.toContain('delivery.dead');
  }
});
