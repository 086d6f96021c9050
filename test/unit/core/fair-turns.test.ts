import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { createFairTurns } from '#src/core/quotas/fair-turns.ts';

test('works run in a bounded number, half of them of one sharer, and the next places go round (SHARE1)', async () => {
  const inTurn = createFairTurns(2);
  const started: string[] = [];
  const ends = new Map<string, () => void>();
  const run = (sharer: string, name: string) =>
    inTurn(sharer, () => {
      started.push(name);
      return new Promise<void>((resolve) => ends.set(name, resolve));
    });
  const works = [run('a', 'a1'), run('a', 'a2'), run('a', 'a3')];
  // The other place is not the first sharer's.
  await expect.poll(() => started).toEqual(['a1']);
  works.push(run('b', 'b1'), run('c', 'c1'), run('b', 'b2'));
  await expect.poll(() => started).toEqual(['a1', 'b1']);
  for (const [ended, expected] of [
    ['a1', 'a2'],
    ['b1', 'c1'],
    ['a2', 'b2'],
    ['c1', 'a3'],
  ] as const) {
    ends.get(ended)?.();
    await expect.poll(() => started.at(-1)).toBe(expected);
  }
  for (const name of ['b2', 'a3']) ends.get(name)?.();
  await Promise.all(works);
  // A place is free again.
  await expect(inTurn('d', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(await inTurn('d', async () => 'free')).toBe('free');
});

test('a work whose caller is gone before its turn leaves, and the next ones do not wait for it', async () => {
  const inTurn = createFairTurns(1);
  let end = (): void => {};
  const running = inTurn(
    'a',
    () =>
      new Promise<void>((resolve) => {
        end = resolve;
      }),
  );
  const caller = new AbortController();
  const started: string[] = [];
  const works = ['gone', 'stays'].map((name) =>
    inTurn('a', async () => void started.push(name), name === 'gone' ? caller.signal : undefined),
  );
  caller.abort(new Error('gone'));
  await expect(works[0]).rejects.toThrow('gone');
  await expect(inTurn('b', async () => void started.push('late'), caller.signal)).rejects.toThrow('gone');
  end();
  await Promise.all([running, works[1]]);
  expect(started).toEqual(['stays']);
});

test('a signal that outlives its works keeps no listener of those that ended', async () => {
  const inTurn = createFairTurns(1);
  const { signal } = new AbortController();
  for (let work = 0; work < 20; work++) await inTurn('a', async () => {}, signal);
  expect(getEventListeners(signal, 'abort')).toEqual([]);
});
