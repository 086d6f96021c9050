import { describe, expect, vi } from 'vitest';
import type { Fact } from '#machines/facts.ts';
import { connectClient, type SequentClient } from '#src/client/client.ts';
import { type SequentProcess, startSequent } from '#test/support/cli/processes/sequent-process.ts';
import { shortTimes, test } from '#test/support/fixtures.ts';
import { eventually } from '#test/support/gateway/eventually.ts';
import { foldWholeLog } from '#test/support/log/folded-log.ts';
import { type LogWatch, watchLog } from '#test/support/log/log-watch.ts';
import { UNTIL_ALL_ANSWER } from '#test/support/role-answers.ts';
import { INVARIANT } from '#test/support/vitest/test-run.ts';

const HOUR_IN_MS = 3_600_000;
/** A wrong clock that counted would make a retry an hour late or early. A busy machine makes it seconds late. */
const LATE_IN_MS = 10_000;
const file = new URL('../support/e2e/functions.mjs', import.meta.url).pathname;
const preload = new URL('../support/cli/processes/shifted-clock.mjs', import.meta.url).href;

/** A process on a machine whose clock is wrong by `aheadInMs`. Each SIGUSR2 sets the clock forward by the next step. */
const onWrongClock = (url: string, aheadInMs: number, stepsInMs: readonly number[] = []): Record<string, string> => ({
  ...shortTimes,
  NATS_URL: url,
  NODE_OPTIONS: `--import ${preload}`,
  SHIFTED_CLOCK_MS: String(aheadInMs),
  SHIFTED_CLOCK_STEPS_MS: stepsInMs.join(','),
  SEQUENT_HTTP_PORT: '0',
});

/** Defines a function that fails once, and whose success starts another function. An hour is far beyond its maximum age. */
async function define(client: SequentClient): Promise<void> {
  await client.functions.put({ name: 'after', handler: { kind: 'process', file, export: 'slowly' }, concurrency: 32 });
  await client.functions.put({
    name: 'flaky',
    handler: { kind: 'process', file, export: 'second' },
    concurrency: 32,
    policy: {
      maxRetries: 1,
      maxAgeInSeconds: 60,
      onSuccess: [{ destination: 'FunctionGraph', param: { func_urn: 'after' } }],
    },
  });
}

const life = ['queued', 'running', 'retrying', 'running', 'succeeded', 'delivery.started', 'delivery.delivered', 'notified'];

type Stored = { fact: Fact; at: number };

/** Every fact with the time at which the server stored it. */
async function storedFacts(client: SequentClient): Promise<Map<string, Stored[]>> {
  const found = new Map<string, Stored[]>();
  const last = await client.lastSequence();
  const done = new AbortController();
  await client.follow(
    1,
    (entry) => {
      const facts =
        entry.kind === 'request' ? entry.message.requests.map(({ fact }) => fact) : entry.kind === 'append' ? entry.append.facts : [];
      for (const fact of facts) found.set(fact.invocation, [...(found.get(fact.invocation) ?? []), { fact, at: entry.at }]);
      if (entry.sequence >= last) done.abort();
    },
    done.signal,
  );
  return found;
}

function median(values: readonly number[]): number {
  return [...values].sort((one, other) => one - other)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** The server's time and that of a process are whole milliseconds, and the server stores a message in whole milliseconds. */
const RESOLUTION_IN_MS = 3;

/**
 * How wrong the processes say that their time of the log may be: each uncertainty is half of the time in which the server's time lies. A process
 * takes its local clock while that lies within this time (TIME4). The processes reported it when they found their clocks wrong, and report
 * it now: the first measurements are the least exact ones.
 */
async function errorOfTimeInMs(log: LogWatch, processes: readonly SequentProcess[]): Promise<number> {
  const reported = await vi.waitFor(async () => {
    const found = (await log.ports.roleInstances.list()).flatMap(({ clockUncertaintyInMs }) => clockUncertaintyInMs ?? []);
    expect(found).toHaveLength(processes.length);
    return found;
  }, UNTIL_ALL_ANSWER);
  const said = processes.flatMap(({ stderr }) => [...stderr.matchAll(/± ([\d.]+) (ms|s)\b/g)]);
  const before = said.map(([, amount, unit]) => Number(amount) * (unit === 's' ? 1_000 : 1));
  return 2 * Math.max(...reported, ...before) + RESOLUTION_IN_MS;
}

/** What the processes are, and where they write. */
type Running = { client: SequentClient; log: LogWatch; processes: readonly SequentProcess[] };

/** The outcomes are those of right clocks, each retry started when it was due (T1), and every fact has the time of the server. */
async function expectTimelyLives({ client, log, processes }: Running, ids: readonly string[]): Promise<void> {
  const facts = await storedFacts(client);
  const lives = ids.map((id) => facts.get(id) ?? []);
  expect(lives.map((stored) => stored.map(({ fact }) => fact.type))).toEqual(ids.map(() => life));
  const late = lives.map((stored) => {
    const retrying = stored[2]?.fact;
    return (stored[3]?.at ?? 0) - (retrying?.type === 'retrying' ? retrying.dueAt : 0);
  });
  const errorInMs = await errorOfTimeInMs(log, processes);
  expect(
    late.filter((lateByMs) => lateByMs < -errorInMs),
    INVARIANT,
  ).toEqual([]);
  expect(median(late)).toBeLessThan(LATE_IN_MS);
  const differences = [...facts.values()].flat().map(({ fact, at }) => Math.abs(at - fact.at));
  expect(median(differences)).toBeLessThan(1_000);
  expect(Math.max(...differences)).toBeLessThan(HOUR_IN_MS / 2);
}

describe('wrong clocks', () => {
  test.for([HOUR_IN_MS, -HOUR_IN_MS])(
    'change no outcome and no retry: a worker is %d ms ahead, the other roles are as far behind',
    async (aheadInMs, { server }) => {
      const behind = onWrongClock(server.url, -aheadInMs);
      const others = ['destinations', 'gateway'].flatMap((role) => ['--role', role]);
      const started = Promise.all([
        startSequent(['--role', 'worker'], onWrongClock(server.url, aheadInMs)),
        startSequent(['--role', 'scheduler'], behind),
        startSequent(others, behind),
      ]);
      const [worker, scheduler, rest] = await started;
      await using _worker = worker;
      await using _scheduler = scheduler;
      await using _rest = rest;
      await using client = await connectClient({ servers: server.url });
      await using log = await watchLog(server.url);
      await define(client);
      const url = /http:\/\/[^\s"]+/.exec(rest.readyLine)?.[0] ?? '';

      const own = await client.invokeMany(
        'flaky',
        Array.from({ length: 11 }, (_, i) => ({ i })),
      );
      const overHttp = await Promise.all(
        Array.from({ length: 11 }, async (_, i) => {
          const answer = await fetch(`${url}/api/functions/flaky/invocations`, {
            method: 'POST',
            headers: { 'content-type': 'application/json' },
            body: JSON.stringify({ i }),
          });
          return (await answer.json()) as { request_id: string };
        }),
      );
      const ids = [...own.map(({ requestId }) => requestId), ...overHttp.map(({ request_id }) => request_id)];
      await log.untilNotified(ids);

      await expectTimelyLives({ client, log, processes: [worker, scheduler, rest] }, ids);
      expect((await foldWholeLog(log.ports.log)).problems).toEqual([]);
      for (const { stderr } of [worker, scheduler, rest]) expect(stderr.match(/Sequent uses the time of the NATS server/g)).toHaveLength(1);
      const offsets = async () => {
        const system = (await (await fetch(`${url}/api/system`)).json()) as { roles: { role: string; clock_ahead_ms: number }[] };
        return Object.fromEntries(system.roles.map(({ role, clock_ahead_ms }) => [role, Math.round(clock_ahead_ms / 60_000)]));
      };
      await expect.poll(offsets, UNTIL_ALL_ANSWER).toEqual({
        worker: Math.sign(aheadInMs) * 60,
        scheduler: -Math.sign(aheadInMs) * 60,
        destinations: -Math.sign(aheadInMs) * 60,
        gateway: -Math.sign(aheadInMs) * 60,
      });
      await expect
        .poll(async () => (await fetch(`${url}/metrics`)).text(), UNTIL_ALL_ANSWER)
        .toMatch(/sequent_clock_offset_seconds\{role="worker",host="[^"]+"\} -?3[56]\d\d/);
    },
  );

  test('that are set during a run change nothing, and stop a process beyond its limit until they are right', async ({ server }) => {
    const settings = onWrongClock(server.url, 0, [70 * 60_000, 70 * 60_000, -140 * 60_000]);
    await using roles = await startSequent(
      ['worker', 'scheduler', 'destinations'].flatMap((role) => ['--role', role]),
      {
        ...settings,
        SEQUENT_CLOCK_LIMIT: '2h',
      },
    );
    await using client = await connectClient({ servers: server.url });
    await using log = await watchLog(server.url);
    await define(client);
    const invoke = async () =>
      (
        await client.invokeMany(
          'flaky',
          Array.from({ length: 8 }, (_, i) => ({ i })),
        )
      ).map((one) => one.requestId);

    const first = await invoke();
    await log.until((fact) => fact.type === 'retrying');
    await roles.signal('SIGUSR2');
    await log.untilNotified(first);
    await expectTimelyLives({ client, log, processes: [roles] }, first);
    await eventually(async () => /1 h 10 min ahead of the NATS server's, ± \d+ ms: Sequent uses the time/.test(roles.stderr));

    await roles.signal('SIGUSR2');
    await eventually(async () => /2 h 20 min ahead of .*takes no work until the clock is right/.test(roles.stderr));
    await expect.poll(() => log.ports.roleInstances.list(), UNTIL_ALL_ANSWER).toMatchObject([{ takesWork: false }]);
    const waiting = await invoke();
    const { manager } = client.connection;
    // The worker returns what it had requested before, and requests nothing more.
    await eventually(async () => {
      const { num_redelivered, num_waiting } = await manager.consumers.info('INVOCATIONS', 'fn-flaky');
      return num_redelivered > 0 || num_waiting === 0;
    });
    expect(waiting.flatMap((id) => log.facts.get(id)?.map(({ type }) => type))).not.toContain('running');

    await roles.signal('SIGUSR2');
    await eventually(async () => /it is right again/.test(roles.stderr));
    await log.untilNotified(waiting);
    await expectTimelyLives({ client, log, processes: [roles] }, waiting);
  });
});
