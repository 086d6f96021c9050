import { setImmediate as nextTurn } from 'node:timers/promises';
import { createMemoryLog } from '#src/core/memory/memory-log.ts';
import { createMemoryWork } from '#src/testing/memory-work.ts';
import { createVirtualClock } from '#src/testing/virtual-clock.ts';
import { describeWorkQueue } from '#test/contract/work-queue.ts';

describeWorkQueue('in memory', async () => {
  const clock = createVirtualClock(0);
  const log = createMemoryLog({ clock });
  const { queue, hints, close } = createMemoryWork({ log, clock, leaseInMs: 1_000 });
  return {
    log,
    hints,
    queue,
    // The lease ends only when a test moves the clock.
    shortLeased: queue,
    async settle() {
      for (let turn = 0; turn < 5; turn++) await nextTurn();
    },
    endLease: async () => clock.moveTo(clock.now() + 1_000),
    [Symbol.asyncDispose]: close,
  };
});
