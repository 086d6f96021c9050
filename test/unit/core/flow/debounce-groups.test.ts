import { describe, expect, test } from 'vitest';
import { type Debounced, firstGroup, inGroupOrder, MAX_GROUP, MAX_GROUP_BYTES } from '#src/core/flow/debounce-groups.ts';

const last = { keep: 'last', waitInMs: 5, maxWaitInMs: 12 } as const;
const all = { ...last, keep: 'all' } as const;
const at = (time: number, part: Partial<Debounced> = {}): Debounced => ({
  invocation: `i-${time}`,
  request: time + 1,
  index: 0,
  at: time,
  bytes: 10,
  ...part,
});

describe('the first group of a key', () => {
  test('closes when no request came for the wait', () => {
    const group = firstGroup([at(0), at(4), at(8), at(13)], last);
    expect(group).toEqual({ members: [at(0), at(4), at(8)], closesAt: 12 });
    expect(firstGroup([at(0), at(4), at(9)], last)).toEqual({ members: [at(0), at(4)], closesAt: 9 });
  });

  test('closes after the longest wait, however close the requests follow each other', () =>
    expect(
      firstGroup(
        [0, 3, 6, 9, 11, 12, 14].map((time) => at(time)),
        last,
      ),
    ).toMatchObject({ members: { length: 5 }, closesAt: 12 }));

  test('closes with the request that makes it full', () => {
    const many = Array.from({ length: MAX_GROUP + 5 }, (_, index) => at(1, { index, invocation: `i-${index}` }));
    expect(firstGroup(many, last)).toMatchObject({ members: { length: MAX_GROUP }, closesAt: 1 });
  });

  test('of all events closes before its messages are too large, and a message of many requests counts once', () => {
    const half = MAX_GROUP_BYTES / 2;
    const many = [at(0, { bytes: half }), at(1, { bytes: half }), at(1, { index: 1, bytes: half }), at(2, { bytes: half })];
    expect(firstGroup(many, all)).toMatchObject({ members: { length: 3 }, closesAt: 1 });
    expect(firstGroup(many, last)).toMatchObject({ members: { length: 4 }, closesAt: 7 });
  });

  test('has one request when that alone is too large', () =>
    expect(firstGroup([at(0, { bytes: MAX_GROUP_BYTES * 2 }), at(1)], all)).toMatchObject({ members: { length: 1 }, closesAt: 0 }));

  test('never closes without a request', () => expect(firstGroup([], last).closesAt).toBe(Number.POSITIVE_INFINITY));
});

test('requests are in the order of their times, and of the log when these are equal', () => {
  const mixed = [at(3), at(1, { request: 9 }), at(1, { request: 2, index: 1 }), at(1, { request: 2 })];
  expect(inGroupOrder(mixed)).toEqual([mixed[3], mixed[2], mixed[1], mixed[0]]);
});
