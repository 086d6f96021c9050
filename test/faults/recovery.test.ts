import { expect } from 'vitest';
import { connectClient } from '#src/client/client.ts';
import { systemClock } from '#src/core/ports/clock.ts';
import { deleteConsumer } from '#src/nats/transport/streams/consumers.ts';
import { startSequent } from '#test/support/cli/processes/sequent-process.ts';
import { environment, events, expectGoodLives, file, idsOf, slowly } from '#test/support/e2e/recovery.ts';
import { test } from '#test/support/fixtures.ts';
import { watchLog } from '#test/support/log/log-watch.ts';

/* These recoveries take long, and no test measures how long. `test/timed/recovery.test.ts` has the others. */

test('every invocation ends although all consumers are deleted several times during a run', async ({ client, log }) => {
  await client.functions.put(slowly);
  await client.functions.put({
    name: 'third',
    handler: { kind: 'process', file, export: 'third' },
    policy: { maxRetries: 3, backoff: { initialInMs: 200, factor: 1, maxInMs: 200, jitter: 0 } },
  });

  const ids: string[] = [];
  const manager = await client.connection.nats.jetstreamManager();
  let deleted = 0;
  for (let round = 0; round < 5; round++) {
    ids.push(...idsOf(await client.invokeMany('slowly', events(200, 5))), ...idsOf(await client.invokeMany('third', events(20, 0))));
    await log.until((fact) => fact.type === 'running' && fact.invocation === ids.at(-221 + 200));
    for (const { name } of await manager.consumers.list('INVOCATIONS').next()) {
      if (await deleteConsumer(manager, name)) deleted++;
    }
  }
  await log.untilNotified(ids, 55_000);

  expect(deleted).toBeGreaterThanOrEqual(15);
  await expectGoodLives(client, ids);
});

test('after nats-server was away for 20 s all roles resume without a restart of Sequent', { timeout: 120_000 }, async ({
  server,
  sequent,
  client,
  log,
}) => {
  await client.functions.put(slowly);
  await using patient = await connectClient({ servers: server.url, acceptWithinMs: 60_000 });

  const before = idsOf(await client.invokeMany('slowly', events(100, 300)));
  await log.until((fact) => fact.type === 'succeeded');
  await server.end();
  const during = patient.invokeMany('slowly', events(20, 0));
  await systemClock.sleep(20_000);
  await server.restart();
  const restartedAt = performance.now();
  const after = idsOf(await client.invokeMany('slowly', events(20, 0)));
  await log.untilNotified([...before, ...idsOf(await during), ...after], 60_000);
  process.stdout.write(
    `outage: all ${before.length + 40} over ${Math.round(performance.now() - restartedAt)} ms after the server was back\n`,
  );

  await expectGoodLives(client, [...before, ...after]);
  expect(await sequent.signal('SIGTERM')).toBe(0);
});

test('a delayed request survives the death of all processes and of the server, and starts when it is due', async ({ server }) => {
  const roles = () => startSequent(['--role', 'worker', '--role', 'scheduler'], environment(server.url));
  await using first = await roles();
  await using client = await connectClient({ servers: server.url });
  await using log = await watchLog(server.url);
  await client.functions.put(slowly);
  const ids = idsOf(await client.invokeMany('slowly', events(20, 0), { delay: '12s' }));
  ids.push((await client.invoke('slowly', {}, { delay: 12_000, id: 'alone' })).requestId);
  // A worker acknowledges the delayed requests before it executes this one.
  await (await client.invoke('slowly', {})).result();
  await first.signal('SIGKILL');
  await server.kill();
  await server.restart();
  await using _second = await roles();
  await log.untilNotified(ids, 60_000);

  for (const id of ids) {
    const facts = log.facts.get(id) ?? [];
    const [queued] = facts;
    const dueAt = queued?.type === 'queued' ? queued.dueAt : undefined;
    const starts = facts.filter(({ type }) => type === 'running').map(({ at }) => at);
    expect(Math.min(...starts)).toBeGreaterThanOrEqual(dueAt ?? Number.NaN);
  }
  await expectGoodLives(client, ids);
});
