import { describe, expect, test } from 'vitest';
import { createSettledStreams, functionKey } from '#src/analysis/settled-streams.ts';
import { newStream } from '#test/support/log/opened-log.ts';

describe('the table of settled streams', () => {
  test('distinguishes a hundred thousand streams', () => {
    const table = createSettledStreams();
    const names = Array.from({ length: 100_000 }, () => newStream());
    for (const [index, name] of names.entries()) table.set(name, index + 1);
    expect(table.size).toBe(names.length);
    for (const [index, name] of names.entries()) {
      if (table.get(name)?.version !== index + 1) expect.unreachable(name.stream);
    }
    expect(table.get(newStream())).toBeUndefined();
    expect(table.get(names[7] ?? newStream())?.function).toBe(functionKey('orders'));
  });
});
