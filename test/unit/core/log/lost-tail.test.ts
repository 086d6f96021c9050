import { createMemoryLog } from '#src/core/memory/memory-log.ts';
import { describeLostTail } from '#test/contract/lost-tail.ts';

describeLostTail('in memory', async () => {
  const log = createMemoryLog({ clock: { now: Date.now } });
  let kept = 0;
  return {
    log,
    unaware: { ...log, epoch: () => 0 },
    async keep() {
      kept = await log.lastSequence();
    },
    lose: async () => log.loseFrom(kept + 1),
    async [Symbol.asyncDispose]() {},
  };
});
