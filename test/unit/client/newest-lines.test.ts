import { describe, expect, test } from 'vitest';
import { NewestLines } from '#src/client/follow/newest-lines.ts';
import { type EndedAttempt, linesOf } from '#src/core/output/attempt-lines.ts';

function attempt(output: string, sequence = 1): EndedAttempt {
  return { sequence, function: 'f', invocation: `i-${sequence}`, attempt: 1, endedAt: 0, output, failure: undefined };
}

const MEGABYTE = 1_048_576;

describe('the newest lines of many', () => {
  test('are at most the limit, and say whether older ones are missing', () => {
    const newest = new NewestLines(3);
    newest.add(linesOf(attempt('a\nb\n')));
    expect([newest.lines.map(({ text }) => text), newest.isComplete]).toEqual([['a', 'b'], true]);
    newest.add(linesOf(attempt('c\nd\n')));
    expect([newest.lines.map(({ text }) => text), newest.isComplete]).toEqual([['b', 'c', 'd'], false]);
  });

  test('have at most eight million characters, but for one line alone', () => {
    const newest = new NewestLines(5_000);
    for (let sequence = 0; sequence < 40; sequence++) newest.add(linesOf(attempt('x'.repeat(MEGABYTE), sequence)));
    expect([newest.lines.length, newest.lines.at(-1)?.sequence, newest.isComplete]).toEqual([8, 39, false]);
    newest.add(linesOf(attempt('y'.repeat(20 * MEGABYTE), 40)));
    expect([newest.lines.length, newest.lines[0]?.sequence]).toEqual([1, 40]);
  });

  test('read no whole output whose lines have no room', async () => {
    const newest = new NewestLines(5_000);
    const read: number[] = [];
    const attempts = Array.from({ length: 100 }, (_, sequence) => attempt('', sequence));
    await newest.addBackwards(attempts, async ({ sequence }) => {
      read.push(sequence);
      return linesOf(attempt('x'.repeat(4 * MEGABYTE), sequence));
    });
    expect(read).toEqual([99, 98]);
    expect([newest.lines.map(({ sequence }) => sequence), newest.isComplete]).toEqual([[98, 99], false]);
  });
});
