import { expect } from 'vitest';
import { connectClient } from '#src/client/client.ts';
import { startSequent } from '#test/support/cli/processes/sequent-process.ts';
import { test } from '#test/support/fixtures.ts';
import { combinations, findExceeded, requestOf } from '#test/support/flow/combinations.ts';
import { LEDGER_CLOCKS_DIFFER_BY_MS, readFacts } from '#test/support/log/flow-starts.ts';
import { findLifeProblems, foldWholeLog } from '#test/support/log/folded-log.ts';
import { watchLog } from '#test/support/log/log-watch.ts';
import { INVARIANT } from '#test/support/vitest/test-run.ts';

const ROLES = ['worker', 'scheduler', 'worker', 'scheduler'];
const REQUESTS = 40;
const WITHIN_MS = 240_000;
const file = new URL('../../support/e2e/turns.mjs', import.meta.url).pathname;

test('no combination of limits is exceeded, and no request is lost, while every process is killed once', {
  timeout: WITHIN_MS * 2,
}, async ({ server }) => {
  const env = { NATS_URL: server.url, SEQUENT_LEASE_MS: '1500', SEQUENT_PATIENCE_MS: '1500' };
  const start = (role: string) => startSequent(['--role', role], env);
  const processes = await Promise.all(ROLES.map(async (role) => ({ role, process: await start(role) })));
  await using client = await connectClient({ servers: server.url });
  await using log = await watchLog(server.url);
  const policy = { maxRetries: 1, maxAgeInSeconds: 86_400, backoff: { initialInMs: 50, factor: 1, maxInMs: 50, jitter: 0 } };
  for (const { names, flow } of combinations)
    for (const name of names)
      await client.functions.put({ name, handler: { kind: 'process', file }, timeoutInMs: WITHIN_MS, concurrency: 10, flow, policy });
  const ids: string[] = [];
  for (const combination of combinations) {
    const requests = Array.from({ length: REQUESTS }, (_, number) => ({ ...requestOf(combination, number), number }));
    for (const name of combination.names) {
      const events = requests.filter((one) => one.name === name).map(({ key, number }) => ({ key, ms: 100, fails: number % 10 === 0 }));
      ids.push(...(await client.invokeMany(name, events)).map(({ requestId }) => requestId));
    }
  }
  const isOver = (id: string): boolean => log.facts.get(id)?.some(({ type }) => type === 'succeeded' || type === 'failed') ?? false;
  for (const [number, killed] of processes.entries()) {
    const wanted = ((number + 1) * ids.length) / (ROLES.length + 2);
    await expect.poll(() => ids.filter(isOver).length, { timeout: WITHIN_MS, interval: 50 }).toBeGreaterThanOrEqual(wanted);
    await killed.process.signal('SIGKILL');
    killed.process = await start(killed.role);
  }
  await log.untilNotified(ids);

  const { facts, problems } = await foldWholeLog(log.ports.log);
  expect(problems, INVARIANT).toEqual([]);
  expect(
    ids.flatMap((id) => findLifeProblems(id, facts.get(id) ?? [])),
    INVARIANT,
  ).toEqual([]);
  expect(ids.filter((id) => !facts.get(id)?.some(({ type }) => type === 'succeeded'))).toEqual([]);
  const ordered = await readFacts(log.ports.log);
  expect(
    combinations.flatMap((one) => findExceeded(one, ordered, LEDGER_CLOCKS_DIFFER_BY_MS)),
    INVARIANT,
  ).toEqual([]);
  for (const { process: one } of processes) await one[Symbol.asyncDispose]();
});
