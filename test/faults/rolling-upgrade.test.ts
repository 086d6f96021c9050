import { join } from 'node:path';
import { expect } from 'vitest';
import type { Fact } from '#machines/facts.ts';
import { connectClient, type SequentClient } from '#src/client/client.ts';
import { runCliOn } from '#test/support/cli/cli.ts';
import { unpackFormerSequent } from '#test/support/cli/processes/former-sequent.ts';
import { startSequent } from '#test/support/cli/processes/sequent-process.ts';
import { toFunction } from '#test/support/destinations/delivering-system.ts';
import { documentedCommands } from '#test/support/documented-commands.ts';
import { shortTimes, test } from '#test/support/fixtures.ts';
import { chainOf } from '#test/support/log/chain-of.ts';
import { type LogWatch, watchLog } from '#test/support/log/log-watch.ts';

/* An upgrade without a pause: processes of an earlier version and of this one work on one log. docs/operations.md describes it. */

const file = new URL('../support/e2e/functions.mjs', import.meta.url).pathname;
const BATCH = 24;

/** Both functions notify a third one of their success. `retried` fails once. */
async function putFunctions({ functions }: SequentClient): Promise<void> {
  const policy = { onSuccess: [toFunction('notified')] };
  const handler = (name: string) => ({ kind: 'process', file, export: name });
  await functions.put({ name: 'notified', handler: handler('slowly'), concurrency: 8 });
  await functions.put({ name: 'slow', handler: handler('slowly'), concurrency: 4, policy });
  const backoff = { initialInMs: 100, factor: 1, maxInMs: 100, jitter: 0 };
  await functions.put({ name: 'retried', handler: handler('second'), concurrency: 4, policy: { ...policy, maxRetries: 2, backoff } });
}

async function send(client: SequentClient): Promise<string[]> {
  const events = Array.from({ length: BATCH }, (_, i) => ({ i, ms: 50 }));
  const invoked = await Promise.all(events.map((event, i) => client.invoke(i % 2 === 0 ? 'slow' : 'retried', event)));
  return invoked.map(({ requestId }) => requestId);
}

/** Resolves at the first outcome of these requests: the others are queued, in progress or delivered. */
async function untilInProgress(log: LogWatch, ids: readonly string[]): Promise<void> {
  await log.until((fact) => fact.type === 'succeeded' && ids.includes(fact.invocation));
}

const workersOf = (log: LogWatch): Set<string> =>
  new Set([...log.facts.values()].flat().flatMap((fact) => (fact.type === 'running' ? [fact.worker] : [])));
const countOf = (facts: readonly Fact[] = [], ...types: Fact['type'][]): number => facts.filter(({ type }) => types.includes(type)).length;

test('an upgrade and a return under load give each request one outcome, and each outcome one follow-up', {
  timeout: 240_000,
}, async ({ folder, server, skip }) => {
  const former = await unpackFormerSequent(folder);
  if (former === undefined) return skip('this clone has no history: git fetch --unshallow');
  const settings = { ...shortTimes, NATS_URL: server.url, SEQUENT_DATA: join(folder, 'data') };
  const roles = ['worker', 'scheduler', 'destinations'].flatMap((role) => ['--role', role]);
  const startFormer = () => startSequent([...roles, '--role', 'projection'], settings, former);
  const startPresent = () => startSequent(roles, settings);
  const sent: string[] = [];
  const sendTo = async (client: SequentClient): Promise<string[]> => {
    const ids = await send(client);
    sent.push(...ids);
    return ids;
  };

  const documented = documentedCommands('docs/operations.md', 'Upgrade and roll back');
  /** The next documented command, which must be this one. */
  const next = (expected: string) => {
    const command = documented.shift() ?? [];
    expect(command[0]).toBe(expected);
    return () => runCliOn(server.url, command, { cwd: folder });
  };

  // The earlier version creates the log, and works alone.
  await using first = await startFormer();
  await using client = await connectClient({ servers: server.url });
  await using log = await watchLog(server.url);
  await putFunctions(client);
  await log.untilNotified(await sendTo(client));

  expect(await next('backup')()).toMatchObject({ code: 0 });
  expect(await next('nats-streams')()).toMatchObject({ code: 0 });

  // Both versions work, until the earlier one is killed.
  await using second = await startPresent();
  for (let workers = 0; workers < 2; workers = workersOf(log).size) await untilInProgress(log, await sendTo(client));
  await untilInProgress(log, await sendTo(client));
  await first.signal('SIGKILL');

  // The earlier version returns, and works alone after the present one was killed.
  await using third = await startFormer();
  await untilInProgress(log, await sendTo(client));
  await second.signal('SIGKILL');
  await log.untilNotified(await sendTo(client));

  // The upgrade is completed.
  await using _fourth = await startPresent();
  await untilInProgress(log, await sendTo(client));
  await third.signal('SIGKILL');
  await log.untilNotified(sent);
  // A request that is repeated has the same id.
  const followUps = new Map(
    sent.flatMap((id) =>
      chainOf(log, id).flatMap(({ invocation, lineage }) => (lineage === undefined ? [] : [[invocation, lineage.parent]])),
    ),
  );
  await log.untilNotified([...followUps.keys()]);

  const lives = [...log.facts.entries()];
  const outcomes = lives.map(([id, facts]) => [id, countOf(facts, 'succeeded', 'failed'), countOf(facts, 'notified')]);
  expect(outcomes.filter(([, ended, notified]) => ended !== 1 || notified !== 1)).toEqual([]);
  expect(lives.flatMap(([, facts]) => facts.filter(({ type }) => type === 'failed'))).toEqual([]);
  expect([...followUps.values()].sort()).toEqual(sent.toSorted());
  expect(lives).toHaveLength(sent.length * 2);

  // The read model of the earlier version lacks what that version could not read.
  await using _model = await startSequent(['--role', 'projection'], settings);
  await expect.poll(() => runCliOn(server.url, ['projection', 'check']), { timeout: 60_000 }).toMatchObject({ code: 0 });
  expect(await runCliOn(server.url, ['projection', 'problems', '--json'])).toMatchObject({ code: 0, stdout: '[]\n' });
  // A role of a busy machine may answer too late for the list of the doctor.
  await expect.poll(next('doctor'), { timeout: 60_000 }).toMatchObject({ code: 0 });
  expect(await next('verify')()).toMatchObject({ code: 0 });
});
