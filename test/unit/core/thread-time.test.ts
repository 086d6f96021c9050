import { expect, test } from 'vitest';
import { ThreadTime } from '#src/core/quotas/thread-time.ts';

/** A clock that a work moves on. */
function threadTime() {
  let now = 0;
  const time = new ThreadTime(() => now);
  return {
    time,
    work: (inMs: number) => () => {
      now += inMs;
    },
  };
}

test('the time of a project is the sum of its works, and the most comes first (CPU2)', () => {
  const { time, work } = threadTime();
  time.spendOn('hello', work(5));
  time.spendOn('shop=hello', work(20));
  time.spendOn('shop=pay', work(10));
  expect(time.useOf('main')).toEqual([
    { project: 'shop', usedInMs: 30, share: 0 },
    { project: 'main', usedInMs: 5, share: 0 },
  ]);
});

test('a caller of the own project and a function without a project are one project (CPU2)', () => {
  const { time, work } = threadTime();
  time.spend('main', work(5));
  time.spendOn('hello', work(2));
  expect(time.useOf('main')).toEqual([{ project: 'main', usedInMs: 7, share: 0 }]);
});

test('a work within another one is counted once, and one that throws is counted (CPU2)', () => {
  const { time, work } = threadTime();
  time.spend('shop', () => time.spendOn('shop=hello', work(4)));
  const failing = (): void => {
    work(3)();
    throw new Error('not JSON');
  };
  expect(() => time.spend('shop', failing)).toThrow('not JSON');
  time.spend('bank', work(1));
  expect(time.useOf('main').map(({ project, usedInMs }) => [project, usedInMs])).toEqual([
    ['shop', 7],
    ['bank', 1],
  ]);
});

test('the share is that of the last minute which ended (CPU2)', () => {
  const { time, work } = threadTime();
  time.spend('shop', work(30_000));
  work(30_000)();
  expect(time.useOf('main')).toMatchObject([{ project: 'shop', share: 0.5 }]);
  work(60_000)();
  expect(time.useOf('main')).toMatchObject([{ project: 'shop', share: 0, usedInMs: 30_000 }]);
});

test('further projects than 1,000 are counted as one (CPU2)', () => {
  const { time, work } = threadTime();
  for (let index = 0; index < 1_010; index++) time.spend(`p${index}`, work(1));
  expect(time.useOf('main')).toHaveLength(1_001);
  expect(time.useOf('main')[0]).toMatchObject({ project: 'other', usedInMs: 10 });
});
