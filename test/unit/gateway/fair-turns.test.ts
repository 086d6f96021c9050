import { expect, test } from 'vitest';
import { createFairTurns } from '#src/gateway/api/code/fair-turns.ts';

test('works run in a bounded number, and the sharers that wait get the next place in turn', async () => {
  const inTurn = createFairTurns(2);
  const started: string[] = [];
  const ends: (() => void)[] = [];
  const run = (sharer: string, name: string) =>
    inTurn(sharer, () => {
      started.push(name);
      return new Promise<void>((resolve) => ends.push(resolve));
    });
  const works = [run('a', 'a1'), run('a', 'a2'), run('a', 'a3'), run('a', 'a4'), run('b', 'b1'), run('c', 'c1')];
  expect(started).toEqual(['a1', 'a2']);
  for (const expected of ['a3', 'b1', 'c1', 'a4']) {
    ends.shift()?.();
    await expect.poll(() => started.at(-1)).toBe(expected);
  }
  for (const end of ends) end();
  await Promise.all(works);
  expect(started).toHaveLength(6);
  // A place is free again.
  await Promise.all([
    inTurn('d', async () => started.push('d1')),
    expect(inTurn('d', () => Promise.reject(new Error('no')))).rejects.toThrow('no'),
  ]);
  expect(await inTurn('d', async () => 'free')).toBe('free');
});
