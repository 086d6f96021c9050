import { describe, expect, test } from 'vitest';
import { readLog } from '#src/analysis/read-log.ts';
import { createMemoryLog } from '#src/core/memory/memory-log.ts';
import { createVirtualClock } from '#src/testing/virtual-clock.ts';
import { appendId, newStream } from '#test/support/log/opened-log.ts';

describe('reading a log', () => {
  test('ends with its present end, also when its last messages were deleted', async () => {
    const clock = createVirtualClock(0);
    const log = createMemoryLog({ clock });
    const name = newStream();
    await log.accept(name, [{ payload: '1' }]);
    await log.append(name, { id: appendId(), previous: 0 as never, request: 1, by: 'test', facts: [] }, {});
    const last = await log.lastSequence();
    const seen: number[] = [];
    const follow = log.followFully;
    expect(await readLog({ lastSequence: log.lastSequence, follow, clock }, ({ sequence }) => seen.push(sequence))).toBe(last);
    expect(seen.at(-1)).toBe(last);
    log.purge(last + 1);
    const reading = readLog({ lastSequence: log.lastSequence, follow, clock }, () => expect.unreachable());
    let hasEnded = false;
    void reading.then(() => {
      hasEnded = true;
    });
    while (!hasEnded) {
      clock.moveTo(clock.now() + 5_000);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await reading).toBe(last);
  });
});
