import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished } from 'vitest';
import { connectClient } from '#src/client/client.ts';
import { startSequent } from '#test/support/cli/processes/sequent-process.ts';
import { shortTimes, test } from '#test/support/fixtures.ts';
import { statusOnce } from '#test/support/projection/status-once.ts';
import { createSeededRandom, seedOfRun } from '#test/support/seeded-random.ts';

const KILLS = Number(process.env.SEQUENT_PROJECTION_KILLS ?? 4);
const file = new URL('../../support/e2e/projection.mjs', import.meta.url).pathname;
const policy = { maxRetries: 1, backoff: { initialInMs: 100, factor: 1, maxInMs: 1_000, jitter: 0 } };

test(`the projection equals a rebuild after each of ${KILLS} SIGKILLs under load`, {
  timeout: 60_000 + KILLS * 20_000,
}, async ({ server, folder }) => {
  const seed = seedOfRun();
  const random = createSeededRandom(seed);
  const env = { NATS_URL: server.url, SEQUENT_DATA: folder, ...shortTimes };
  await using _ = await startSequent(['--role', 'worker', '--role', 'scheduler'], env);
  await using client = await connectClient({ servers: server.url });
  await client.functions.put({ name: 'work', handler: { kind: 'process', file, export: 'work' }, concurrency: 32, policy });
  let projection = await startSequent(['--role', 'projection'], env);
  onTestFinished(() => projection[Symbol.asyncDispose]());

  const accepted: string[] = [];
  const ending = new AbortController();
  // The load pauses while rows are compared. Otherwise the projection falls further behind with every comparison.
  let isChecking = false;
  const load = (async () => {
    for (let i = 0; !ending.signal.aborted; await sleep(150)) {
      if (isChecking) continue;
      i += 20;
      const events = Array.from({ length: 20 }, (_, k) => ({ i: i + k }));
      accepted.push(...(await client.invokeMany('work', events)).map(({ requestId }) => requestId));
    }
  })();

  let resumed = 0;
  for (let kill = 0; kill < KILLS; kill++) {
    const { sequence } = await statusOnce(client, ({ isReady }) => isReady);
    // The kill comes while the projection folds the entries that follow.
    await statusOnce(client, (status) => status.sequence > sequence + random() * 60);
    await projection.signal('SIGKILL');
    projection = await startSequent(['--role', 'projection'], env);
    const { instance, rebuilds, sequence: since } = await statusOnce(client, ({ isReady }) => isReady);
    expect(rebuilds).toEqual([]);
    if (since >= sequence) resumed++;
    isChecking = true;
    const { tables } = await client.history.check(instance);
    isChecking = false;
    expect(tables.filter(({ isEqual }) => !isEqual)).toEqual([]);
    expect(tables[0]?.rows).toBeGreaterThan(0);
  }
  ending.abort();
  await load;
  expect(resumed).toBe(KILLS);
  const shown = new Map<string, string>();
  const deadline = performance.now() + 60_000;
  while ([...shown.values()].filter((state) => state === 'notified').length < accepted.length) {
    expect(performance.now()).toBeLessThan(deadline);
    await sleep(200);
    for await (const { id, state } of client.history.all({ limit: 500 })) shown.set(id, state);
  }
  expect([...shown.keys()].sort()).toEqual([...accepted].sort());
  process.stdout.write(`projection: seed ${seed}, ${KILLS} kills, ${accepted.length} invocations, all equal\n`);
});
