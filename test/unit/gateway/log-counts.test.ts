import { expect, test } from 'vitest';
import { HistoryUnavailableError } from '#src/core/errors.ts';
import { createLogCounts } from '#src/gateway/operations/log-counts.ts';

test('a count is never older than the one before, and begins anew when the log itself went backwards', async () => {
  let [projected, last] = [10, 10];
  const asked: (number | undefined)[] = [];
  const counts = createLogCounts({
    lastSequence: async () => last,
    history: {
      async ask(_question, _query, { atLeast = 0 } = {}) {
        asked.push(atLeast);
        if (projected < atLeast) throw new HistoryUnavailableError({ why: 'behind', isBehind: true });
        return { sequence: projected, open: {} } as never;
      },
    },
  });
  const read = async () => (await counts.ask('usage', {})).sequence;
  expect(await read()).toBe(10);
  projected = 4;
  await expect(read()).rejects.toThrow('behind');
  await expect(read()).rejects.toThrow('behind');
  last = 4;
  await expect(read()).rejects.toThrow('behind');
  expect(await read()).toBe(4);
  expect(asked).toEqual([0, 10, 10, 10, 0]);
});
