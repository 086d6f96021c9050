import { describe, expect, vi } from 'vitest';
import { serveSequent } from '#test/support/cli/cli.ts';
import { sharedByFile } from '#test/support/shared-by-file.ts';

const test = sharedByFile(serveSequent);

const WITHIN = { timeout: 60_000, interval: 250 };
const linesOf = (text: string): string[] => text.split('\n').filter((line) => line !== '');
const events = (count: number, text = '{"name":"Ada"}'): string => `${text}\n`.repeat(count);

describe('sequent batch', () => {
  test('counts each line once, also of a repeated batch, and prints the results of all members', async ({ sequent }) => {
    const invoke = () => sequent.run(['invoke', 'hello', '--batch', '-', '--key', 'counted', '--json'], { input: events(30) });
    const first = await invoke();
    expect(JSON.parse(first.stdout)).toMatchObject({ batch: 'counted', accepted: 30 });
    expect((await invoke()).code).toBe(0);
    await vi.waitFor(async () => {
      const { stdout } = await sequent.run(['batch', 'get', 'counted', '--json']);
      expect(JSON.parse(stdout)).toMatchObject({ id: 'counted', function: 'hello', members: 30, byStatus: { SUCCESS: 30 } });
    }, WITHIN);
    const results = await sequent.run(['batch', 'results', 'counted']);
    expect(results.code).toBe(0);
    const lines = linesOf(results.stdout).map((line) => JSON.parse(line) as { requestId: string; response: string });
    expect(lines.map(({ requestId }) => requestId).sort()).toEqual(Array.from({ length: 30 }, (_, n) => `counted-${n + 1}`).sort());
    expect(lines.every(({ response }) => response.includes('Hello, Ada!'))).toBe(true);
    expect((await sequent.run(['batch', 'ls', 'hello'])).stdout).toMatch(/^counted +hello .*30 of 30 over +30 succeeded$/m);
    expect((await sequent.run(['explain', 'counted-7'])).stdout).toContain('as a member of the batch counted');
  });

  test('cancel ends the open members, and redrive runs them again as a new batch', async ({ sequent }) => {
    const invoked = await sequent.run(['invoke', 'hello', '--batch', '-', '--in', '30d', '--json'], { input: events(5) });
    const { batch } = JSON.parse(invoked.stdout) as { batch: string };
    const cancelled = await sequent.run(['batch', 'cancel', batch, '--reason', 'a test', '--yes', '-o', 'name']);
    expect([cancelled.code, linesOf(cancelled.stdout).length]).toEqual([0, 5]);
    await vi.waitFor(async () => {
      const { stdout } = await sequent.run(['batch', 'get', batch, '--json']);
      expect(JSON.parse(stdout)).toMatchObject({ members: 5, byStatus: { FAIL: 5 } });
    }, WITHIN);
    expect(linesOf((await sequent.run(['ls', '--batch', batch, '--condition', 'InvocationCanceled', '-o', 'name'])).stdout)).toHaveLength(
      5,
    );
    const redriven = await sequent.run(['batch', 'redrive', batch, '--yes', '-o', 'jsonl']);
    expect(redriven.code).toBe(0);
    const again = linesOf(redriven.stdout).map((line) => JSON.parse(line) as { redrive: string; batch: string });
    expect(new Set(again.map((one) => one.batch)).size).toBe(1);
    const next = again[0]?.batch ?? '';
    await vi.waitFor(async () => {
      const { stdout } = await sequent.run(['batch', 'get', next, '--json']);
      expect(JSON.parse(stdout)).toMatchObject({ members: 5, byStatus: { SUCCESS: 5 } });
    }, WITHIN);
    const repeated = await sequent.run(['batch', 'redrive', batch, '--yes']);
    expect([repeated.code, repeated.stderr]).toEqual([0, expect.stringContaining('no failed invocation matches')]);
  });

  test('is told to its destination once, when all members are over, and is sealed then', async ({ sequent }) => {
    const told = 'FunctionGraph=urn:fss:local:default:function:default:test2';
    const run = await sequent.run(['invoke', 'hello', '--batch', '-', '--key', 'told', '--on-complete', told], { input: events(8) });
    expect(run.code).toBe(0);
    const get = async (id: string) =>
      JSON.parse((await sequent.run(['batch', 'get', id, '--json'])).stdout) as { state: string; openedAs: string };
    const { openedAs } = await vi.waitFor(async () => {
      const found = await get('told');
      expect(found).toMatchObject({ state: 'notified', members: 8, byStatus: { SUCCESS: 8 } });
      return found;
    }, WITHIN);
    expect((await sequent.run(['explain', openedAs])).stdout).toContain('All members were over, so the batch was completed');
    await vi.waitFor(async () => {
      expect(linesOf((await sequent.run(['ls', 'test2', '--root', openedAs, '-o', 'name'])).stdout)).toHaveLength(1);
    }, WITHIN);
    expect((await sequent.run(['batch', 'seal', 'told'])).stdout).toContain('was sealed before');
  });

  test('an unknown batch is not found', async ({ sequent }) => {
    for (const command of ['get', 'results', 'seal', 'cancel', 'redrive'])
      expect((await sequent.run(['batch', command, 'nobody'])).code).toBe(3);
  });
});
