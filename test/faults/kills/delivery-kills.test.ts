import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { connectClient } from '#src/client/client.ts';
import { systemClock } from '#src/core/ports/clock.ts';
import { judgeServer } from '#test/judge/read-server.ts';
import { startSequent } from '#test/support/cli/processes/sequent-process.ts';
import { openFaultyReceiver } from '#test/support/destinations/faulty-receiver.ts';
import { findLifeProblems, foldWholeLog } from '#test/support/log/folded-log.ts';
import { watchLog } from '#test/support/log/log-watch.ts';
import { startTestServer } from '#test/support/nats/nats-server.ts';
import { createSeededRandom, seedOfRun } from '#test/support/seeded-random.ts';
import { INVARIANT } from '#test/support/vitest/test-run.ts';

const OUTCOMES = Number(process.env.SEQUENT_CHAOS_OUTCOMES ?? 800);
/** The receiver fails at most for this time after the last kill. */
const FAULTS_IN_MS = 30_000;
const KILLS = Number(process.env.SEQUENT_CHAOS_DELIVERY_KILLS ?? 4);
const file = new URL('../../support/e2e/functions.mjs', import.meta.url).pathname;

test(`${OUTCOMES} outcomes reach a receiver that fails 30%, over ${KILLS} SIGKILLs`, { timeout: 600_000 }, async () => {
  const seed = seedOfRun();
  const random = createSeededRandom(seed);
  const folder = await mkdtemp(join(tmpdir(), 'sequent-deliveries-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const connections = join(folder, 'connections.json');
  await using server = await startTestServer();
  await using receiver = await openFaultyReceiver({ share: 0.3, random });
  // A receiver on a busy machine answers in time, so that its circuit stays closed. A try that hangs occupies its slot for a second.
  const reach = { allowPrivate: true, allowHttp: true, ports: [receiver.port], timeoutInMs: 1_000 };
  await writeFile(
    connections,
    JSON.stringify({ receiver: { kind: 'http', secret: { env: 'RECEIVER_SECRET' }, hosts: ['127.0.0.1'], ...reach } }),
  );
  const env = {
    NATS_URL: server.url,
    SEQUENT_LEASE_MS: '1500',
    SEQUENT_PATIENCE_MS: '2000',
    SEQUENT_CONNECTIONS: connections,
    RECEIVER_SECRET: `whsec_${Buffer.from('the secret of the receiver').toString('base64')}`,
  };
  await using _others = await startSequent(['--role', 'worker,scheduler'], env);
  let destinations = await startSequent(['--role', 'destinations'], env);
  onTestFinished(() => destinations[Symbol.asyncDispose]());
  await using client = await connectClient({ servers: server.url });
  await using log = await watchLog(server.url);
  await client.functions.put({
    name: 'slowly',
    handler: { kind: 'process', file, export: 'slowly' },
    concurrency: 64,
    policy: { onSuccess: [{ destination: 'HTTP', param: { url: `${receiver.url}/hook`, connection: 'receiver' } }] },
  });

  const startedAt = performance.now();
  const events = Array.from({ length: OUTCOMES }, (_, i) => ({ i }));
  const deliverers = new Set<string>();
  const sent: ReturnType<typeof client.invokeMany>[] = [];
  for (let kills = 0; kills < KILLS; kills++) {
    // Each process has outcomes to deliver, however fast its predecessors were. It is killed shortly after its first try.
    sent.push(client.invokeMany('slowly', events.slice((kills * OUTCOMES) / KILLS, ((kills + 1) * OUTCOMES) / KILLS)));
    const first = await log.until((fact) => fact.type === 'delivery.started' && !deliverers.has(fact.deliverer), 180_000);
    if (first.type === 'delivery.started') deliverers.add(first.deliverer);
    await systemClock.sleep(500 + random() * 2_000);
    await destinations.signal('SIGKILL');
    destinations = await startSequent(['--role', 'destinations'], env);
  }
  const faultsEnd = performance.now() + FAULTS_IN_MS;
  while (receiver.seen.size < OUTCOMES && performance.now() < faultsEnd) await systemClock.sleep(50);
  const chaosInMs = Math.round(performance.now() - startedAt);
  const underChaos = [...log.facts.values()].filter((life) => life.some(({ type }) => type === 'notified')).length;
  const triedOutcomes = receiver.seen.size;
  // The faults end when each outcome was tried, so that a slow machine ends the rest in time.
  receiver.repair();
  const ids = (await Promise.all(sent)).flat().map(({ requestId }) => requestId);
  await log.untilNotified(ids);
  const tookInMs = Math.round(performance.now() - startedAt);

  expect(await judgeServer(server.url, { client: [], isOver: true }), INVARIANT).toEqual([]);
  const { facts, problems } = await foldWholeLog(log.ports.log);
  const all = [...facts.values()].flat();
  const count = (type: string): number => all.filter((fact) => fact.type === type).length;
  const { requests, ...faults } = receiver.counts;
  const twice = ids.filter((id) => (receiver.acknowledged.get(id)?.length ?? 0) > 1).length;
  process.stdout.write(
    `deliveries: seed ${seed}, ${KILLS} kills in ${chaosInMs} ms, ${underChaos} of ${ids.length} notified and ${triedOutcomes} tried by then, all after ${tookInMs} ms; ` +
      `${requests} requests, ${JSON.stringify(faults)}; ${count('delivery.started')} tries, ${count('delivery.failed')} failed, ` +
      `${count('delivery.delivered')} delivered, ${count('notified')} notified; ${twice} arrived more than once\n`,
  );

  expect(problems, INVARIANT).toEqual([]);
  expect(
    ids.flatMap((id) => findLifeProblems(id, facts.get(id) ?? [])),
    INVARIANT,
  ).toEqual([]);
  expect(ids.filter((id) => (facts.get(id) ?? []).filter(({ type }) => type === 'notified').length !== 1)).toEqual([]);
  expect(ids.filter((id) => !receiver.acknowledged.has(id))).toEqual([]);
  expect(ids.filter((id) => receiver.seen.get(id)?.size !== 1)).toEqual([]);
  expect(count('delivery.delivered')).toBe(OUTCOMES);
  expect(count('delivery.dead')).toBe(0);
});
