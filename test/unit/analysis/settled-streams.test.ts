import { describe, expect, test } from 'vitest';
import { createSettledStreams } from '#src/analysis/verify/settled-streams.ts';
import { newStream } from '#test/support/log/opened-log.ts';

describe('the table of settled streams', () => {
  test('distinguishes a hundred thousand streams', { timeout: 60_000 }, () => {
    const table = createSettledStreams();
    const names = Array.from({ length: 100_000 }, () => newStream());
    for (const [index, name] of names.entries()) table.set(name, index + 1);
    expect(table.size).toBe(names.length);
    for (const [index, name] of names.entries()) {
      if (table.get(name)?.version !== index + 1) expect.unreachable(name.stream);
    }
    expect(table.get(newStream())).toBeUndefined();
  });

  test('distinguishes two functions with one id (ID1)', () => {
    const table = createSettledStreams();
    const name = newStream();
    const other = { ...name, function: 'bills' as typeof name.function };
    table.set(name, 1);
    expect(table.get(other)).toBeUndefined();
    table.set(other, 2);
    expect([table.size, table.get(name)?.version, table.get(other)?.version]).toEqual([2, 1, 2]);
  });
});
