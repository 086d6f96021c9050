import { appendFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import type { Fact } from '#machines/facts.ts';
import { connectClient } from '#src/client/client.ts';
import { systemClock } from '#src/core/ports/clock.ts';
import { Journal, readExecutions } from '#src/judge/collect.ts';
import { judgeServer } from '#test/judge/read-server.ts';
import { type SequentProcess, startSequent } from '#test/support/cli/processes/sequent-process.ts';
import { test } from '#test/support/fixtures.ts';
import { findLifeProblems, foldWholeLog } from '#test/support/log/folded-log.ts';
import { watchLog } from '#test/support/log/log-watch.ts';
import { medianOf } from '#test/support/vitest/slowness.ts';
import { INVARIANT } from '#test/support/vitest/test-run.ts';

const LIMIT = 10;
const WORKERS = 4;
/* `npm run soak:flow` runs it with more kills. */
const KILLS = Number(process.env.SEQUENT_FLOW_KILLS ?? 3);
const EXECUTION_IN_MS = 200;
/** The requests that wait for a slot while the use of the limit is measured: more than start between two looks. */
const WAITING = 60;
const LOOK_EVERY_MS = 100;
/** A kill may take slots away for so long: the lease of the killed worker, and the patience of the scheduler. */
const RECOVERED_AFTER_MS = 5_000;
const MEASURED_MS = 2_500;
/** The median use of the limit after a kill, relative to the use before. */
const LEAST_USE = 0.8;
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

type Span = { from: number; to: number };

/** The mean share of the limit that executions held in a span of time. */
function useOf(executions: readonly Span[], { from, to }: Span): number {
  const held = executions.map((one) => Math.max(0, Math.min(one.to, to) - Math.max(one.from, from)));
  return held.reduce((sum, ms) => sum + ms, 0) / (LIMIT * (to - from));
}

async function readSpans(path: string): Promise<Span[]> {
  const lines = (await readFile(path, 'utf8')).trim().split('\n');
  return lines.map((line) => line.split(' ').map(Number)).map(([from = 0, to = 0]) => ({ from, to }));
}

function workersOf(facts: Iterable<readonly Fact[]>): Map<string, string> {
  const started = [...facts].flat().filter((fact) => fact.type === 'running');
  return new Map(started.map(({ invocation, attempt, worker }) => [`${invocation} ${attempt}`, worker]));
}

test('a limit over four workers is never exceeded, and is used while workers are killed', { timeout: 240_000 }, async ({
  server,
  folder,
}) => {
  const env = { NATS_URL: server.url, SEQUENT_LEASE_MS: '1500', SEQUENT_PATIENCE_MS: '1500' };
  const [executions, spans] = [join(folder, 'executions'), join(folder, 'spans')];
  await appendFile(executions, '');
  await using _scheduler = await startSequent(['--role', 'scheduler'], env);
  const startWorker = async (): Promise<SequentProcess> => {
    const worker = await startSequent(['--role', 'worker'], env);
    onTestFinished(() => worker[Symbol.asyncDispose]());
    return worker;
  };
  let workers = await Promise.all(Array.from({ length: WORKERS }, startWorker));
  await using client = await connectClient({ servers: server.url });
  await using log = await watchLog(server.url);
  await client.functions.put({
    name: 'metered',
    handler: { kind: 'process', file },
    concurrency: LIMIT,
    flow: { concurrency: LIMIT },
    userData: { executions, spans },
  });
  const ids: string[] = [];
  const waiting = (): number => ids.filter((id) => !log.facts.get(id)?.some(({ type }) => type === 'running')).length;
  /** Keeps work waiting for a time. Returns the time, and the least work that waited at a look. */
  const keepWaiting = async (forMs: number): Promise<Span & { least: number }> => {
    const from = Date.now();
    let least = Number.POSITIVE_INFINITY;
    for (; Date.now() < from + forMs; await systemClock.sleep(LOOK_EVERY_MS)) {
      least = Math.min(least, waiting());
      const events = Array(Math.max(0, WAITING - waiting())).fill({ ms: EXECUTION_IN_MS });
      if (events.length > 0) ids.push(...(await client.invokeMany('metered', events)).map(({ requestId }) => requestId));
    }
    return { from, to: Date.now(), least };
  };
  const measured = [];
  await keepWaiting(LOOK_EVERY_MS);
  await log.until(({ type }) => type === 'succeeded', 60_000);
  await keepWaiting(RECOVERED_AFTER_MS / 2);
  measured.push(await keepWaiting(MEASURED_MS));
  /** How many executions of a worker are in progress. Few workers may have all of them. */
  const held = ({ pid }: SequentProcess): number =>
    ids.filter((id) => {
      const last = log.facts.get(id)?.at(-1);
      return last?.type === 'running' && last.worker.includes(`-${pid}-`);
    }).length;
  for (let kill = 0; kill < KILLS; kill++) {
    const [killed] = workers.toSorted((one, other) => held(other) - held(one));
    // The line is written first: when this process stands still between the two, others may free the slots of the killed worker.
    await appendFile(executions, `killed ${killed?.pid}\n`);
    await killed?.signal('SIGKILL');
    workers = workers.filter((one) => one !== killed);
    const starting = startWorker();
    await keepWaiting(RECOVERED_AFTER_MS);
    workers.push(await starting);
    measured.push(await keepWaiting(MEASURED_MS));
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

  expect(Math.min(...measured.map(({ least }) => least))).toBeGreaterThan(0);
  const ended = await readSpans(spans);
  const [before = Number.NaN, ...after] = measured.map((span) => useOf(ended, span));
  const shown = `the use of the limit is ${before.toFixed(2)}, and after the kills ${after.map((use) => use.toFixed(2)).join(', ')}`;
  // Compared with the use before the first kill, slots that each kill takes for good add up.
  expect(medianOf(after) / before, shown).toBeGreaterThanOrEqual(LEAST_USE);
  expect(Math.min(...after), shown).toBeGreaterThan(0);
});
