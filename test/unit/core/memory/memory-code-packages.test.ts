import { createMemoryCodePackages } from '#src/core/memory/memory-code-packages.ts';
import { systemClock } from '#src/core/ports/clock.ts';
import { describeCodePackages } from '#test/contract/code-packages.ts';

describeCodePackages('in memory', async () => {
  const packages = createMemoryCodePackages(systemClock);
  return { packages, other: packages, async [Symbol.asyncDispose]() {} };
});
