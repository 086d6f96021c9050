import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { connectClient } from '#src/client/client.ts';
import { type CliRun, type ServedSequent, serveSequent } from '#test/support/cli/cli.ts';
import { statusOnce } from '#test/support/projection/status-once.ts';

const file = new URL('../support/e2e/projection.mjs', import.meta.url).pathname;

function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
}

const commandOf = (pid: number): string => readFileSync(`/proc/${pid}/cmdline`, 'utf8');

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

test('sequent serve supervises a projection, which answers ls, get, stats, tree, projection and doctor', {
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
