import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { connectClient } from '#src/client/client.ts';
import { systemClock } from '#src/core/ports/clock.ts';
import { findRunningServer } from '#src/main/nats-server/running.ts';
import { startSequent } from '#test/support/cli/processes/sequent-process.ts';
import { removeDataFolder } from '#test/support/data-folders.ts';
import { environment, events, expectGoodLives, file, idsOf, slowly } from '#test/support/e2e/recovery.ts';
import { test } from '#test/support/fixtures.ts';
import { watchLog } from '#test/support/log/log-watch.ts';
import { embeddedTest } from '#test/support/nats/embedded-fixtures.ts';
import { openNats } from '#test/support/nats/opened-nats.ts';
import { ownerAddress } from '#test/support/nats/owner-address.ts';
import { replaceFiles } from '#test/support/projection/damaged-files.ts';
import { openProjectionOn } from '#test/support/projection/opened-projection.ts';
import { writeLog } from '#test/support/projection/write-log.ts';
import { slownessOfMachine } from '#test/support/vitest/slowness.ts';

test('the late result of a worker that was stopped past its lease is refused, and appears nowhere', async ({ server, folder }) => {
  await using _scheduler = await startSequent(['--role', 'scheduler'], environment(server.url));
  await using zombie = await startSequent(['--role', 'worker'], environment(server.url));
  await using client = await connectClient({ servers: server.url });
  await using log = await watchLog(server.url);
  await client.functions.put({ ...slowly, name: 'gated', handler: { kind: 'process', file, export: 'gated' } });

  const gate = join(folder, 'gate');
  const { requestId } = await client.invoke('gated', { gate });
  const first = await log.until((fact) => fact.type === 'running');
  await zombie.signal('SIGSTOP');
  // The process of the function still runs. Its result waits in the pipe until the worker continues.
  await writeFile(gate, '');
  // The stopped worker does not connect again, so that nothing answers to its name. While it only is silent, its attempt is not lost (EXEC6).
  await server.kill();
  await server.restart();
  await using _successor = await startSequent(['--role', 'worker'], environment(server.url));
  const cut = await log.until((fact) => fact.type === 'retrying');
  await log.untilNotified([requestId]);
  await zombie.signal('SIGCONT');
  // The stopped worker has settled its attempt when it no longer reports the attempt as running.
  const name = first.type === 'running' ? first.worker : '';
  while (await log.ports.executionProbe.isRunning(name, { invocation: requestId, attempt: 1 })) await systemClock.sleep(20);
  // A result that the stopped worker publishes stands before this one.
  const second = await client.invoke('gated', { gate });
  await second.result();

  expect(cut).toMatchObject({ type: 'retrying', attempt: 1, failure: { kind: 'lost' } });
  expect(log.facts.get(requestId)?.map(({ type }) => type)).toEqual(['queued', 'running', 'retrying', 'running', 'succeeded', 'notified']);
  const results: unknown[] = [];
  for await (const { requestId: id, value } of await client.subscribe('gated', undefined, 1)) {
    results.push([id, value]);
    if (id === second.requestId) break;
  }
  expect(new Set(results.filter((entry) => (entry as unknown[])[0] === requestId).map((entry) => JSON.stringify(entry)))).toEqual(
    new Set([JSON.stringify([requestId, { attempt: 2 }])]),
  );
});

test('a worker that stops on SIGTERM ends its attempts, releases its queued items, and cuts no attempt', async ({ server }) => {
  // With the default lease, no attempt is cut because its worker got no processor for seconds.
  const settings = { NATS_URL: server.url };
  await using _scheduler = await startSequent(['--role', 'scheduler'], settings);
  await using first = await startSequent(['--role', 'worker'], settings);
  await using client = await connectClient({ servers: server.url });
  await using log = await watchLog(server.url);
  await client.functions.put(slowly);

  const ids: string[] = [];
  /** Sends more than both workers run at one time. Resolves to the worker that starts the first one of these. */
  const send = async (): Promise<string> => {
    const sent = idsOf(await client.invokeMany('slowly', events(100, 250)));
    ids.push(...sent);
    const start = await log.until((fact) => fact.type === 'running' && sent.includes(fact.invocation));
    return start.type === 'running' ? start.worker : '';
  };
  const name = await send();
  await using _second = await startSequent(['--role', 'worker'], settings);
  while ((await send()) === name);
  // The signal comes when both workers have worked, the first one has an attempt, and others are queued.
  while ((await send()) !== name);
  const exitCode = await first.signal('SIGTERM');
  await log.untilNotified(ids);

  expect(exitCode).toBe(0);
  expect([...log.facts.values()].flat().filter(({ type }) => type === 'retrying')).toEqual([]);
  await expectGoodLives(client, ids);
});

test('a second start on the same folder resumes the open invocations, and takes less than 3 s', async ({ folder }) => {
  const first = await startSequent(['--start-server', '--data', folder], {});
  const { url = '' } = (await findRunningServer(folder)) ?? {};
  let requestId = '';
  {
    const address = ownerAddress(url, folder);
    await using client = await connectClient(address);
    await using log = await watchLog(address);
    await client.functions.put({
      name: 'third',
      handler: { kind: 'process', file, export: 'third' },
      policy: { maxRetries: 3, backoff: { initialInMs: 1_500, factor: 1, maxInMs: 1_500, jitter: 0 } },
    });
    ({ requestId } = await client.invoke('third', {}));
    await log.until((fact) => fact.type === 'retrying');
  }
  expect(await first.signal('SIGTERM')).toBe(0);
  expect(await findRunningServer(folder)).toBeUndefined();

  const startedAt = performance.now();
  await using second = await startSequent(['--start-server', '--data', folder], {});
  const tookInMs = Math.round(performance.now() - startedAt);
  const running = await findRunningServer(folder);
  await using client = await connectClient(ownerAddress(running?.url ?? '', folder));
  const result = await client.result(requestId, { timeoutInMs: 20_000 });
  process.stdout.write(`second start: ${tookInMs} ms\n`);

  expect(result).toMatchObject({ outcome: 'succeeded', value: 3 });
  expect(tookInMs).toBeLessThan(3_000 * slownessOfMachine());
  expect(await second.signal('SIGTERM')).toBe(0);
});

test('a read model that was deleted or damaged is rebuilt within 5 s', async ({ server, folder }) => {
  await using nats = await openNats(server.url);
  await writeLog(nats.connection, 300);
  const open = async (): Promise<{ tookInMs: number; warnings: string }> => {
    await using opened = await openProjectionOn(server.url, folder);
    return { tookInMs: await opened.ready(), warnings: opened.warnings.join() };
  };
  await open();
  await removeDataFolder(folder);
  const deleted = await open();
  await replaceFiles(folder);
  const damaged = await open();

  expect(damaged.warnings).toContain('is damaged');
  const limitInMs = 5_000 * slownessOfMachine();
  expect(deleted.tookInMs).toBeLessThan(limitInMs);
  expect(damaged.tookInMs).toBeLessThan(limitInMs);
});

embeddedTest('an embedded server answers in under a second', async ({ start }) => {
  const timesInMs: number[] = [];
  // The machine may be busy during one start.
  while (timesInMs.length < 4 && !(Math.min(...timesInMs) < 1_000)) {
    const startedAt = performance.now();
    const embedded = await start();
    timesInMs.push(performance.now() - startedAt);
    await embedded.stop();
  }
  expect(Math.min(...timesInMs)).toBeLessThan(1_000);
});
