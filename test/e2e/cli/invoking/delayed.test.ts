import { describe, expect, vi } from 'vitest';
import { serveSequent } from '#test/support/cli/cli.ts';
import { sharedByFile } from '#test/support/shared-by-file.ts';

const test = sharedByFile(serveSequent);

describe('sequent invoke, delayed', () => {
  test('--in and --at delay the first attempt; the invocation is listed until it is cancelled', async ({ sequent }) => {
    await sequent.run(['invoke', 'hello', '--id', 'in-30d', '--in', '30d']);
    await sequent.run(['invoke', 'hello', '--id', 'at-noon', '--at', new Date(Date.now() + 86_400_000).toISOString()]);
    const list = async (within: string): Promise<string[]> =>
      (await sequent.run(['ls', 'hello', '--state', 'queued', '--due-before', within, '-o', 'name'])).stdout.split('\n').filter(Boolean);
    await vi.waitFor(async () => expect(await list('31d')).toEqual(['at-noon', 'in-30d']), { timeout: 20_000 });
    expect(await list('2d')).toEqual(['at-noon']);
    expect((await sequent.run(['timeline', 'in-30d'])).stdout).toMatch(/It waits until .*delayed/s);
    expect((await sequent.run(['cancel', 'in-30d'])).code).toBe(0);
    expect((await sequent.run(['result', 'in-30d'])).stderr).toContain('InvocationCanceled');
    await sequent.run(['cancel', 'at-noon']);
  });

  test.for([
    [['--in', '400d'], 'at most 366 days ahead'],
    [['--at', 'tomorrow'], 'must be a time with its zone'],
    [['--in', '1s', '--at', '2026-12-24T08:00:00Z'], 'cannot be used with'],
  ] as const)('%j exits with 2 and starts nothing', async ([given, why], { sequent }) => {
    const { code, stdout, stderr } = await sequent.run(['invoke', 'hello', ...given]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(why);
  });
});
