import { createMemoryKeyValue } from '#src/core/memory/memory-key-value.ts';
import { describeKeyValue } from '#test/contract/key-value.ts';

describeKeyValue('in memory', async () => {
  const store = createMemoryKeyValue();
  return { store, other: store, async [Symbol.asyncDispose]() {} };
});
