import { readFile } from 'node:fs/promises';
import type { SequentClient as Client } from '#src/client/client.ts';
import { examineReplicas } from '#src/nats/replicas/examine-replicas.ts';
import { firstChildOf } from '#test/support/log/child-id.ts';
import { type FoldedLog, findLifeProblems, foldWholeLog } from '#test/support/log/folded-log.ts';
import type { LogWatch } from '#test/support/log/log-watch.ts';
import { findLoadProblems, isExpectedEnd } from './check-load.ts';
import type { Cluster } from './cluster.ts';
import type { Load } from './load.ts';
import type { Acknowledged } from './varied-load.ts';

type Storm = { log: LogWatch; cluster: Cluster; load: Pick<Load, 'acknowledged' | 'varied'>; executions: string };

/** The ids that must be notified in the end. */
export function expectedIds(acknowledged: readonly Acknowledged[]): string[] {
  return acknowledged.flatMap(({ id, function: fn }) => (fn === 'chained' ? [id, firstChildOf(fn, id)] : [id]));
}

/** Checks what must hold when everything has ended. Returns the violations. */
export async function findStormProblems(storm: Storm): Promise<string[]> {
  // A replica that is not up to date yet may become the leader, and then has a part of the log only.
  const different = await findDifferentReplicas(storm);
  const folded = await foldWholeLog(storm.log.ports.log);
  return [
    ...different,
    ...folded.problems.map((problem) => `verify: ${problem}`),
    ...findBrokenLives(folded, storm.load.acknowledged),
    ...(await findLoadProblems(storm.log.ports.log, folded, storm.load.varied)),
    ...(await findRepeatedAttempts(folded, storm.executions)),
  ];
}

function findBrokenLives({ invocations, facts }: FoldedLog, acknowledged: readonly Acknowledged[]): string[] {
  const problems = expectedIds(acknowledged).flatMap((id) => (facts.has(id) ? [] : [`${id} was acknowledged and is not in the log`]));
  for (const [id, life] of facts) {
    // A redrive is recorded after the end.
    problems.push(
      ...findLifeProblems(
        id,
        life.filter(({ type }) => type !== 'redriven'),
      ),
    );
    for (const type of ['queued', 'notified']) {
      const count = life.filter((fact) => fact.type === type).length;
      if (count !== 1) problems.push(`${id} was ${type} ${count} times`);
    }
  }
  for (const [id, invocation] of invocations)
    if (!isExpectedEnd(invocation)) problems.push(`${id} ended otherwise: ${JSON.stringify(invocation.context.outcome)?.slice(0, 500)}`);
  return problems;
}

/** Each execution is an attempt of the log, and no attempt was executed twice. */
async function findRepeatedAttempts({ facts }: FoldedLog, executions: string): Promise<string[]> {
  const lines = (await readFile(executions, 'utf8')).split('\n');
  const executed = lines.flatMap((line) => (line.startsWith('+ ') ? [line.slice(2)] : []));
  const started = new Set<string>();
  for (const fact of [...facts.values()].flat()) if (fact.type === 'running') started.add(`${fact.invocation} ${fact.attempt}`);
  const seen = new Set<string>();
  return executed.flatMap((execution) => {
    const problems = seen.has(execution) ? [`attempt ${execution} was executed twice`] : [];
    seen.add(execution);
    return started.has(execution) ? problems : [...problems, `attempt ${execution} was executed and is not in the log`];
  });
}

/**
 * nats-server 2.15.1 needed up to three minutes after a partition until the replica of the former leader was up to date: the leader offers
 * entries that the follower refuses, and installs a snapshot only when no such try runs.
 */
const CAUGHT_UP_WITHIN_MS = 240_000;
const ANSWER_WITHIN_MS = 60_000;

/** Compares all replicas up to the last message of the leader, as `sequent doctor --replicas` does, when all are up to date. */
async function findDifferentReplicas({ log, cluster }: Pick<Storm, 'log' | 'cluster'>): Promise<string[]> {
  const deadline = performance.now() + CAUGHT_UP_WITHIN_MS;
  for (;;) {
    const compared = await examineReplicas(log.connection);
    if (compared?.isEqual === true && compared.replicas.length === cluster.members.length) return [];
    if (compared?.isEqual !== true || performance.now() > deadline)
      return [`the replicas differ, or were not all compared: ${JSON.stringify(compared)}`];
  }
}

/** The read model of each projection must equal a fresh fold. */
export async function findBrokenReadModels({ history }: Client): Promise<string[]> {
  const problems: string[] = [];
  const instances = await projectionsOf(history);
  if (instances.length !== 2) problems.push(`${instances.length} projections answer`);
  for (const instance of instances) {
    const { tables } = await history.check(instance);
    for (const { table, isEqual } of tables) if (!isEqual) problems.push(`${table} of ${instance} differs from a fresh fold`);
  }
  return problems;
}

/** Waits for both projections. One of a busy machine may answer too late for a list. */
async function projectionsOf(history: Client['history']): Promise<string[]> {
  const deadline = performance.now() + ANSWER_WITHIN_MS;
  for (;;) {
    const found = await history.instances();
    if (found.length >= 2 || performance.now() > deadline) return found;
  }
}

/** The log never went backwards, so no read model is thrown away, and no role reads the log again. */
export function findDiscarded(lines: readonly string[]): string[] {
  return lines.filter((line) => /read model is rebuilt|read again from its beginning/.test(line));
}
