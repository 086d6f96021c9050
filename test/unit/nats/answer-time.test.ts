import { expect, test } from 'vitest';
import { AnswerTime } from '#src/nats/questions/answer-time.ts';

/** Questions of readers, each of which takes a time. Returns how many of each project were answered. */
function answered(time: AnswerTime, asked: readonly string[], work: () => void): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const project of asked) {
    if (!time.isLeftFor(project)) continue;
    time.spend(project, work);
    counts[project] = (counts[project] ?? 0) + 1;
  }
  return counts;
}

test('the readers of one project take no answer of another one, however many they are (SHARE1)', () => {
  let now = 0;
  const time = new AnswerTime(() => now);
  const work = (): void => {
    now += 2;
  };
  const crowd = Array.from({ length: 400 }, () => 'crowd');
  const first = answered(time, [...crowd, 'one', ...crowd, 'one'], work);
  expect(first).toEqual({ crowd: 50, one: 2 });
  // A second later both have their time again.
  now = 1_000;
  expect(answered(time, ['crowd', 'one'], work)).toEqual({ crowd: 1, one: 1 });
});

test('many projects share half of the time in equal parts, and all of them have a bounded sum (SHARE1)', () => {
  let now = 0;
  const time = new AnswerTime(() => now);
  const projects = Array.from({ length: 20 }, (_, index) => `p${index}`);
  const asked = Array.from({ length: 100 }, () => projects).flat();
  const counts = answered(time, asked, () => {
    now += 1;
  });
  expect(Object.keys(counts)).toHaveLength(20);
  expect(Math.min(...Object.values(counts))).toBeGreaterThanOrEqual(5);
  expect(now).toBeLessThanOrEqual(300);
});
