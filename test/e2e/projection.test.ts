import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, vi } from 'vitest';
import { connectClient, type SequentClient } from '#src/client/client.ts';
import type { HistoryStatus } from '#src/core/history-questions.ts';
import { type CliRun, type ServedSequent, serveSequent } from '#test/support/cli/cli.ts';
import { startSequent } from '#test/support/cli/sequent-process.ts';
import { shortTimes, test } from '#test/support/fixtures.ts';
import { createSeededRandom } from '#test/support/seeded-random.ts';

const KILLS = Number(process.env.SEQUENT_PROJECTION_KILLS ?? 8);
const seed = Number(process.env.SEQUENT_PROJECTION_SEED ?? Date.now() % 1_000_000);
const file = new URL('../support/e2e/projection.mjs', import.meta.url).pathname;
const policy = { maxRetries: 1, backoff: { initialInMs: 100, factor: 1, maxInMs: 1_000, jitter: 0 } };

function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
}

const commandOf = (pid: number): string => readFileSync(`/proc/${pid}/cmdline`, 'utf8');

/** Resolves to the status of the running projection when the status satisfies the condition; throws after the deadline. */
async function statusOnce(client: SequentClient, condition: (status: HistoryStatus) => boolean, withinMs = 60_000): Promise<HistoryStatus> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const seen = await client.history.status({ timeoutInMs: 2_000 }).catch(() => undefined);
    if (seen !== undefined && condition(seen)) return seen;
    if (performance.now() > deadline) throw new Error(`not within ${withinMs} ms: ${JSON.stringify(seen)}`);
    await sleep(20);
  }
}

/** Runs a command again while it finds no projection, and so does nothing: a projection of a busy machine may answer too late for a list. */
async function runOnProjection(sequent: ServedSequent, ...args: string[]): Promise<CliRun> {
  return await vi.waitFor(
    async () => {
      const run = await sequent.run(args);
      expect(run.stderr).not.toContain('no projection runs');
      return run;
    },
    { timeout: 60_000 },
  );
}

describe('the projection', () => {
  test(`equals a rebuild from zero, row for row, after each of ${KILLS} SIGKILLs under load, seed ${seed}`, {
    timeout: 60_000 + KILLS * 20_000,
  }, async ({ server, folder }) => {
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

  test('is a supervised process of sequent serve, and answers ls, get, stats, tree, projection and doctor', {
    timeout: 240_000,
  }, async () => {
    await using sequent = await serveSequent(['--log-level', 'warn']);
    await using client = await connectClient(sequent.address);
    await client.functions.put({ name: 'delivered', handler: { kind: 'process', file, export: 'delivered' } });
    const onSuccess = [{ destination: 'FunctionGraph' as const, param: { func_urn: 'delivered' } }];
    await client.functions.put({ name: 'work', handler: { kind: 'process', file, export: 'work' }, policy: { maxRetries: 0, onSuccess } });
    await (await client.invoke('work', { i: 1, note: 'purple' }, { id: 'order-1' })).result();
    await (await client.invoke('work', { i: 11 }, { id: 'order-11' })).result();
    const settled = async (): Promise<boolean> => {
      const { invocations } = await client.history.list({ state: ['notified'] });
      return invocations.length === 3;
    };
    await statusOnce(client, ({ isReady }) => isReady);
    for (const deadline = performance.now() + 60_000; !(await settled()); await sleep(50)) expect(performance.now()).toBeLessThan(deadline);

    const json = async (...args: string[]) => JSON.parse((await sequent.run([...args, '--json'])).stdout);
    expect(await json('ls', 'work', '--text', 'purple')).toMatchObject([{ id: 'order-1', status: 'SUCCESS' }]);
    expect(await json('ls', '--condition', 'UnhandledInvocationError')).toMatchObject([
      { id: 'order-11', error: expect.stringContaining('item 11 always fails') },
    ]);
    expect((await sequent.run(['ls', 'work', '-o', 'name'])).stdout).toBe('order-11\norder-1\n');
    expect((await sequent.run(['ls', '-n', '1'])).stderr).toContain('--cursor');
    expect((await sequent.run(['ls', '--state', 'asleep'])).code).toBe(2);
    expect(await json('get', 'order-1')).toMatchObject({
      response: '{"done":1}',
      deliveries: [{ kind: 'FunctionGraph', state: 'delivered' }],
    });
    expect((await sequent.run(['get', 'order-2'])).code).toBe(3);
    expect(await json('stats')).toMatchObject([
      { function: 'delivered', accepted: 1 },
      { function: 'work', accepted: 2, byCondition: { UnhandledInvocationError: 1 } },
    ]);
    expect(await json('get', 'order-1', '--at', '1')).toMatchObject({ state: 'queued', deliveries: [] });
    expect((await sequent.run(['get', 'order-11', '--at', '1'])).code).toBe(3);
    expect(await json('ls', '--at', '1')).toMatchObject([{ id: 'order-1', state: 'queued' }]);
    expect(await json('stats', '--at', '1')).toMatchObject([{ function: 'work', accepted: 1, byState: { queued: 1 } }]);
    expect(await json('stats', '--text', 'purple', '--max-attempts', '1')).toMatchObject([
      { function: 'delivered', accepted: 1 },
      { function: 'work', accepted: 1 },
    ]);
    expect((await sequent.run(['ls', '--at', '99999'])).stderr).toContain('is not read yet');
    const tailed = await sequent.run(['tail', '--from', '1', '--root', 'order-1', '--max-attempts', '0', '-n', '1', '-o', 'jsonl']);
    expect(JSON.parse(tailed.stdout)).toMatchObject({ function: 'delivered', transition: 'queued' });
    const tree = (await sequent.run(['tree', 'order-1'])).stdout.split('\n');
    expect(tree[0]).toMatch(/^work {2}order-1 {2}notified/);
    expect(tree[1]).toMatch(/^\S+ delivered {2}/);
    const before = await client.history.status();
    const rebuilt = await runOnProjection(sequent, 'projection', 'rebuild', '--json');
    expect(JSON.parse(rebuilt.stdout)).toMatchObject([{ lag: 0, rebuild: null, instance: before.instance }]);
    expect(JSON.parse(rebuilt.stdout)[0].file).not.toBe(before.file);
    const checked = await runOnProjection(sequent, 'projection', 'check');
    expect([checked.code, checked.stdout.includes('DIFFERENT')]).toEqual([0, false]);
    expect((await sequent.run(['projection', 'problems'])).stderr).toBe('every entry could be folded\n');
    const wholeLog = { level: 'ok', check: `projection ${before.instance}`, seen: 'has read the whole log' };
    await expect.poll(async () => (await json('doctor')).findings, { timeout: 60_000 }).toContainEqual(wholeLog);

    const pid = childrenOf(sequent.process.pid ?? 0).find((child) => commandOf(child).includes('projection-process'));
    process.kill(pid ?? Number.NaN, 'SIGKILL');
    const again = await statusOnce(client, ({ isReady, instance }) => isReady && instance !== before.instance);
    expect(again.rebuilds).toEqual([]);
    expect((await client.history.get('order-1')).state).toBe('notified');
    await sequent.end('SIGTERM');
  });
});
