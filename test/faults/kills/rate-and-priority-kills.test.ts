import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { connectClient } from '#src/client/client.ts';
import type { FunctionDefinitionInput } from '#src/core/functions/definition.ts';
import { Journal } from '#src/judge/collect.ts';
import { judge } from '#src/judge/judge.ts';
import { judgeServer, readStreams } from '#test/judge/read-server.ts';
import { type SequentProcess, startSequent } from '#test/support/cli/processes/sequent-process.ts';
import { watchStalls } from '#test/support/cluster/stalls.ts';
import { test } from '#test/support/fixtures.ts';
import { describeUse, findUnused, medianUses, type Span, spansAfter, usesIn } from '#test/support/judge/use-of-limits.ts';
import {
  findAboveRate,
  findOvertaken,
  LEDGER_CLOCKS_DIFFER_BY_MS,
  longestOvertakingInMs,
  mostAtOnce,
  readFacts,
} from '#test/support/log/flow-starts.ts';
import { findLifeProblems, foldWholeLog } from '#test/support/log/folded-log.ts';
import { type LogWatch, watchLog } from '#test/support/log/log-watch.ts';
import { INVARIANT } from '#test/support/vitest/test-run.ts';

const ROLES = ['worker', 'scheduler', 'worker', 'scheduler', 'worker'];
const KILLS = 4;
const TIMES = { leaseInMs: 1_500, patienceInMs: 1_500 };
const WITHIN_MS = 240_000;
const file = new URL('../../support/e2e/turns.mjs', import.meta.url).pathname;

/** Workers and schedulers, which are killed in turns. */
interface Processes extends AsyncDisposable {
  /**
   * Kills processes while the invocations run, and starts others in their place. Resolves with the times of the kills when all invocations are
   * notified.
   */
  killUntilNotified(log: LogWatch, ids: readonly string[]): Promise<Span[]>;
}

async function startProcesses(url: string): Promise<Processes> {
  const env = { NATS_URL: url, SEQUENT_LEASE_MS: String(TIMES.leaseInMs), SEQUENT_PATIENCE_MS: String(TIMES.patienceInMs) };
  const start = (role: string): Promise<SequentProcess> => startSequent(['--role', role], env);
  const processes = await Promise.all(ROLES.map(async (role) => ({ role, process: await start(role) })));
  return {
    async killUntilNotified(log, ids) {
      const isOver = (id: string): boolean => log.facts.get(id)?.some(({ type }) => type === 'succeeded' || type === 'failed') ?? false;
      const kills: Span[] = [];
      for (let kill = 0; kill < KILLS; kill++) {
        const wanted = ((kill + 1) * ids.length) / (KILLS + 2);
        await expect.poll(() => ids.filter(isOver).length, { timeout: WITHIN_MS, interval: 50 }).toBeGreaterThanOrEqual(wanted);
        const killed = processes[kill];
        const from = Date.now();
        await killed?.process.signal('SIGKILL');
        kills.push({ from, to: Date.now() });
        if (killed !== undefined) killed.process = await start(killed.role);
      }
      await log.untilNotified(ids);
      return kills;
    },
    async [Symbol.asyncDispose]() {
      for (const { process: one } of processes) await one[Symbol.asyncDispose]();
    },
  };
}

async function findLost(log: LogWatch, ids: readonly string[]): Promise<string[]> {
  const { facts, problems } = await foldWholeLog(log.ports.log);
  const unsuccessful = ids.filter((id) => !facts.get(id)?.some(({ type }) => type === 'succeeded'));
  return [...problems, ...ids.flatMap((id) => findLifeProblems(id, facts.get(id) ?? [])), ...unsuccessful];
}

const definitionOf = (name: string, flow: FunctionDefinitionInput['flow']): FunctionDefinitionInput => ({
  name,
  handler: { kind: 'process', file },
  timeoutInMs: WITHIN_MS,
  concurrency: 20,
  flow,
  policy: { maxRetries: 1, maxAgeInSeconds: 86_400, backoff: { initialInMs: 50, factor: 1, maxInMs: 50, jitter: 0 } },
});

test('a rate for each key holds, is used, and no request is lost while workers and schedulers are killed', {
  timeout: WITHIN_MS * 2,
}, async ({ server }) => {
  // Between two kills, the requests of a key need longer than the recovery from a kill.
  const [limit, burst, keys, each] = [5, 5, 4, 260];
  await using processes = await startProcesses(server.url);
  await using client = await connectClient({ servers: server.url });
  await using log = await watchLog(server.url);
  await client.functions.put(definitionOf('rated', { key: '$.key', rate: { limit, per: '1s', burst } }));
  const events = Array.from({ length: keys * each }, (_, index) => ({ key: `key-${index % keys}`, ms: 20, fails: index % 10 === 0 }));
  const ids = (await client.invokeMany('rated', events)).map(({ requestId }) => requestId);
  const kills = await processes.killUntilNotified(log, ids);
  const end = Date.now();
  expect(await findLost(log, ids), INVARIANT).toEqual([]);
  const journal = new Journal();
  journal.acknowledged('rated', ids);
  const rate = { limit, perInMs: 1_000, burst, toleranceInMs: LEDGER_CLOCKS_DIFFER_BY_MS };
  const known = { client: journal.ops, expected: { rated: { key: 'key', rate } }, isOver: true };
  const evidence = { ...(await readStreams(server.url)), ...known };
  expect(judge(evidence), INVARIANT).toEqual([]);
  const uses = spansAfter(kills, end).map((span) => usesIn(evidence, span));
  for (const use of uses.flat()) process.stdout.write(`rates: ${describeUse(use)}\n`);
  const ofKeys = medianUses(uses);
  expect(ofKeys).toHaveLength(keys);
  expect(findUnused(ofKeys)).toEqual([]);
  const aboveRate = findAboveRate(await readFacts(log.ports.log), { limit, perInMs: 1_000, burst }, LEDGER_CLOCKS_DIFFER_BY_MS);
  expect(aboveRate, INVARIANT).toEqual([]);
});

test('the most urgent requests start first, and none is lost, while workers and schedulers are killed', {
  timeout: WITHIN_MS * 2,
}, async ({ server, folder }) => {
  const [concurrency, each] = [2, 60];
  using stalls = watchStalls();
  await using processes = await startProcesses(server.url);
  await using client = await connectClient({ servers: server.url });
  await using log = await watchLog(server.url);
  await client.functions.put(definitionOf('urgent', { concurrency, order: 'priority' }));
  // The first requests hold the slots until all others wait. The most urgent requests come last.
  const gate = join(folder, 'gate');
  const holders = (await client.invokeMany('urgent', Array(concurrency).fill({ gate }), { priority: 9 })).map(({ requestId }) => requestId);
  for (const id of holders) await log.until(({ type, invocation }) => type === 'running' && invocation === id);
  const ids: string[] = [];
  for (const priority of [0, 4, 9])
    ids.push(...(await client.invokeMany('urgent', Array(each).fill({ ms: 150 }), { priority })).map(({ requestId }) => requestId));
  for (const id of ids) await log.until(({ type, invocation }) => type === 'deferred' && invocation === id);
  writeFileSync(gate, '');
  await processes.killUntilNotified(log, [...holders, ...ids]);
  expect(await findLost(log, [...holders, ...ids]), INVARIANT).toEqual([]);
  expect(await judgeServer(server.url, { client: [], isOver: true }), INVARIANT).toEqual([]);
  const facts = await readFacts(log.ports.log);
  expect(mostAtOnce(facts)).toBe(concurrency);
  // Only an attempt that has a slot can be passed: its worker is killed or stands still before the start. A wrong order passes dozens.
  const overtaken = findOvertaken(facts, 60_000);
  const boundInMs = longestOvertakingInMs(TIMES) + stalls.between(0, performance.now());
  process.stdout.write(
    `priority: ${overtaken.length} were overtaken, for at most ${Math.max(0, ...overtaken.map(({ forMs }) => forMs))} ms of ${Math.round(boundInMs)}\n`,
  );
  expect(overtaken.slice(concurrency * KILLS)).toEqual([]);
  expect(overtaken.filter(({ forMs }) => forMs > boundInMs)).toEqual([]);
});
