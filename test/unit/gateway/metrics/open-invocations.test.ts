import { expect, test } from 'vitest';
import { OpenInvocations } from '#src/gateway/metrics/open-invocations.ts';

test('a delayed request counts as delayed until it is due, and as waiting from then on', () => {
  const open = new OpenInvocations();
  open.accept('report', { invocation: 'later', at: 10, dueAt: 1_000 });
  open.accept('report', { invocation: 'now', at: 900 });
  const at = (now: number) => [[...open.oldestQueued(now)], [...open.delayed(now)]];
  expect(at(950)).toEqual([[['report', 900]], [['report', 1]]]);
  expect(open.dequeue('now')).toMatchObject({ firstDueAt: 900 });
  expect(at(999)).toEqual([[['report', undefined]], [['report', 1]]]);
  expect(at(1_500)).toEqual([[['report', 1_000]], [['report', 0]]]);
  expect(open.dequeue('later')).toMatchObject({ firstDueAt: 1_000 });
  expect(at(1_500)).toEqual([[['report', undefined]], [['report', 0]]]);
});
