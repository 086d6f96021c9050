import { expect, test } from 'vitest';
import { testedRuntime, testRuntime } from '#test/support/hosts/executions.ts';
import { hasPython } from '#test/support/hosts/python.ts';

// The attacks of the sandbox of Node.js, with the functions of `attacks.py`.
testRuntime('python');
if (hasPython) {
  await import('#test/integration/hosts/sandbox.test.ts');
  await import('#test/integration/hosts/limits/uncounted-memory.test.ts');
}

test.skipIf(!hasPython)('the attacks of this file run in Python', async () => {
  const { attacksFile } = await import('#test/support/hosts/sandboxed-host.ts');
  expect([testedRuntime(), attacksFile]).toEqual(['python', 'index.py']);
});
