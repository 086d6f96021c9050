import { expect, test } from 'vitest';
import { createMemoryLog } from '#src/core/memory/memory-log.ts';
import { countLog } from '#src/gateway/metrics/log-count.ts';
import { accept, newStream, until } from '#test/support/log/opened-log.ts';

test('a count that starts while the log is unavailable counts as soon as the log answers', async () => {
  const unhandled: unknown[] = [];
  const onUnhandled = (reason: unknown): void => void unhandled.push(reason);
  process.on('unhandledRejection', onUnhandled);
  const log = createMemoryLog({ clock: { now: Date.now } });
  const sequence = await accept(log, newStream());
  const pauses: number[] = [];
  let refusals = 3;
  const count = countLog({
    log: {
      followFully: log.followFully,
      lastSequence: async () => {
        if (refusals-- > 0) throw new Error('the log does not answer');
        return await log.lastSequence();
      },
    },
    clock: { now: Date.now, sleep: async (ms) => void pauses.push(ms) },
    from: 1,
  });
  try {
    await until(() => pauses.length === 3);
    await new Promise((resolve) => setImmediate(resolve));
    expect(unhandled).toEqual([]);
    expect(await count.read()).toMatchObject({ sequence });
  } finally {
    await count.close();
    process.off('unhandledRejection', onUnhandled);
  }
});
