import { appendFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Fact } from '#machines/facts.ts';
import { connectClient } from '#src/client/client.ts';
import { Journal, readExecutions } from '#src/judge/collect.ts';
import { judgeServer } from '#test/judge/read-server.ts';
import { type SequentProcess, startSequent } from '#test/support/cli/processes/sequent-process.ts';
import { test } from '#test/support/fixtures.ts';
import { findLifeProblems, foldWholeLog } from '#test/support/log/folded-log.ts';
import { watchLog } from '#test/support/log/log-watch.ts';
import { INVARIANT } from '#test/support/vitest/test-run.ts';

const LIMIT = 10;
const WORKERS = 4;
/* `npm run soak:flow` runs it with more invocations and kills. */
const numberOf = (name: string, otherwise: number): number => Number(process.env[name] ?? otherwise);
const KILLS = numberOf('SEQUENT_FLOW_KILLS', 3);
const INVOCATIONS = numberOf('SEQUENT_FLOW_INVOCATIONS', 300);
const file = new URL('../../support/e2e/metered.mjs', import.meta.url).pathname;

/**
 * The executions of the moment that had most of them, by the lines that the handlers wrote. Executions of a worker that was killed ended with
 * it, without a line. `workers` names the worker of each attempt.
 */
function mostAtOnce(lines: readonly string[], workers: ReadonlyMap<string, string>): readonly string[] {
  const running = new Set<string>();
  const killed: string[] = [];
  const isOfKilled = (id: string): boolean => killed.some((pid) => workers.get(id)?.includes(`-${pid}-`));
  return lines.reduce<readonly string[]>((most, line) => {
    const [kind, ...rest] = line.split(' ');
    const id = rest.join(' ');
    if (kind === 'killed') killed.push(id);
    if (kind === '+') running.add(id);
    if (kind === '-') running.delete(id);
    for (const one of running) if (isOfKilled(one)) running.delete(one);
    return running.size > most.length ? [...running] : most;
  }, []);
}

function workersOf(facts: Iterable<readonly Fact[]>): Map<string, string> {
  const started = [...facts].flat().filter((fact) => fact.type === 'running');
  return new Map(started.map(({ invocation, attempt, worker }) => [`${invocation} ${attempt}`, worker]));
}

test('a limit over four workers is never exceeded, and none is lost, while workers are killed', { timeout: 240_000 }, async ({
  server,
  folder,
}) => {
  const env = { NATS_URL: server.url, SEQUENT_LEASE_MS: '1500', SEQUENT_PATIENCE_MS: '1500' };
  const executions = join(folder, 'executions');
  await appendFile(executions, '');
  await using _scheduler = await startSequent(['--role', 'scheduler'], env);
  const startWorker = (): Promise<SequentProcess> => startSequent(['--role', 'worker'], env);
  const workers = await Promise.all(Array.from({ length: WORKERS }, startWorker));
  await using client = await connectClient({ servers: server.url });
  await using log = await watchLog(server.url);
  await client.functions.put({
    name: 'metered',
    handler: { kind: 'process', file },
    concurrency: LIMIT,
    flow: { concurrency: LIMIT },
    userData: { executions },
  });
  const invoked = await client.invokeMany('metered', Array(INVOCATIONS).fill({ ms: 100 }));
  const ids = invoked.map(({ requestId }) => requestId);
  const succeeded = (): number => ids.filter((id) => log.facts.get(id)?.some(({ type }) => type === 'succeeded')).length;
  for (let kill = 0; kill < KILLS; kill++) {
    await log.until(() => succeeded() >= ((kill + 1) * INVOCATIONS) / (KILLS + 2), 60_000);
    const killed = workers[kill % WORKERS];
    // The line is written first: when this process stands still between the two, others may free the slots of the killed worker.
    await appendFile(executions, `killed ${killed?.pid}\n`);
    await killed?.signal('SIGKILL');
    workers[kill % WORKERS] = await startWorker();
  }
  await log.untilNotified(ids);

  const journal = new Journal();
  journal.acknowledged('metered', ids);
  const evidence = { client: journal.ops, executions: readExecutions(executions), expected: { metered: { limit: LIMIT } }, isOver: true };
  expect(await judgeServer(server.url, evidence), INVARIANT).toEqual([]);
  const lines = (await readFile(executions, 'utf8')).trim().split('\n');
  const { facts, problems } = await foldWholeLog(log.ports.log);
  expect(problems, INVARIANT).toEqual([]);
  expect(
    ids.flatMap((id) => findLifeProblems(id, facts.get(id) ?? [])),
    INVARIANT,
  ).toEqual([]);
  expect(ids.filter((id) => !facts.get(id)?.some(({ type }) => type === 'succeeded'))).toEqual([]);
  const most = mostAtOnce(lines, workersOf(facts.values()));
  const found = (id: string): string => JSON.stringify(facts.get(id.split(' ')[0] ?? ''));
  expect(most.length, most.map((id) => `${id}: ${found(id)}`).join('\n')).toBeLessThanOrEqual(LIMIT);
  expect(most.length).toBeGreaterThan(LIMIT / 2);
  for (const worker of workers) await worker[Symbol.asyncDispose]();
});
