import { expect } from 'vitest';
import { connectClient } from '#src/client/client.ts';
import { Journal } from '#src/judge/collect.ts';
import { judgeServer } from '#test/judge/read-server.ts';
import { startSequent } from '#test/support/cli/processes/sequent-process.ts';
import { test } from '#test/support/fixtures.ts';
import { findLifeProblems, foldWholeLog } from '#test/support/log/folded-log.ts';
import { watchLog } from '#test/support/log/log-watch.ts';
import { findPassed } from '#test/support/log/start-order.ts';
import { INVARIANT } from '#test/support/vitest/test-run.ts';

/* `npm run soak:fifo` runs it with more keys, requests and kills. */
const numberOf = (name: string, otherwise: number): number => Number(process.env[name] ?? otherwise);
const KEYS = numberOf('SEQUENT_FIFO_KEYS', 100);
const EACH = numberOf('SEQUENT_FIFO_EACH', 12);
const KILLS = numberOf('SEQUENT_FIFO_KILLS', 4);
const WITHIN_MS = numberOf('SEQUENT_FIFO_WITHIN_MS', 240_000);
const WORKERS = 3;
const SCHEDULERS = 2;
const file = new URL('../../support/e2e/turns.mjs', import.meta.url).pathname;

test('requests of one key start in the order of the log while workers and schedulers are killed', { timeout: WITHIN_MS * 2 }, async ({
  server,
}) => {
  const env = { NATS_URL: server.url, SEQUENT_LEASE_MS: '1500', SEQUENT_PATIENCE_MS: '1500' };
  const start = (role: string) => startSequent(['--role', role], env);
  const processes = await Promise.all(
    [...Array(WORKERS).fill('worker'), ...Array(SCHEDULERS).fill('scheduler')].map(async (role) => ({ role, process: await start(role) })),
  );
  await using client = await connectClient({ servers: server.url });
  await using log = await watchLog(server.url);
  await client.functions.put({
    name: 'turns',
    handler: { kind: 'process', file },
    concurrency: 20,
    flow: { concurrency: 1, key: '$.key', order: 'fifo' },
    policy: { maxRetries: 1, maxAgeInSeconds: 86_400, backoff: { initialInMs: 50, factor: 1, maxInMs: 50, jitter: 0 } },
  });
  // Each request of a key follows the one before it in the log, in another message, and others of the key share one message.
  const ids: string[] = [];
  for (let number = 0; number < EACH; number += 2) {
    const events = Array.from({ length: KEYS }, (_, key) =>
      [0, 1].map((more) => ({ key: `key-${key}`, fails: (number + more + key) % 10 === 0 })),
    );
    const invoked = await client.invokeMany('turns', events.flat());
    ids.push(...invoked.map(({ requestId }) => requestId));
  }
  const isOver = (id: string): boolean => log.facts.get(id)?.some(({ type }) => type === 'succeeded' || type === 'failed') ?? false;
  for (let kill = 0; kill < KILLS; kill++) {
    const wanted = ((kill + 1) * ids.length) / (KILLS + 2);
    await expect.poll(() => ids.filter(isOver).length, { timeout: WITHIN_MS, interval: 100 }).toBeGreaterThanOrEqual(wanted);
    const killed = processes[(kill * 2) % processes.length];
    await killed?.process.signal('SIGKILL');
    if (killed !== undefined) killed.process = await start(killed.role);
  }
  await log.untilNotified(ids);

  const journal = new Journal();
  journal.acknowledged('turns', ids);
  const expected = { turns: { limit: 1, key: 'key', isFifo: true } };
  expect(await judgeServer(server.url, { client: journal.ops, expected, isOver: true }), INVARIANT).toEqual([]);
  const { facts, problems } = await foldWholeLog(log.ports.log);
  expect(problems, INVARIANT).toEqual([]);
  expect(
    ids.flatMap((id) => findLifeProblems(id, facts.get(id) ?? [])),
    INVARIANT,
  ).toEqual([]);
  expect(ids.filter((id) => !facts.get(id)?.some(({ type }) => type === 'succeeded'))).toEqual([]);
  expect(await findPassed(log.ports.log, { onRetry: 'hold' })).toEqual([]);
  for (const { process: one } of processes) await one[Symbol.asyncDispose]();
});
