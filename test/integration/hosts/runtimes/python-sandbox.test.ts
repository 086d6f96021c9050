import { expect, test } from 'vitest';
import { testedRuntime, testRuntime } from '#test/support/hosts/executions.ts';
import { hasPython } from '#test/support/hosts/python.ts';

// The attacks of the sandbox of Node.js, with the functions of `attacks.py`.
testRuntime('python');
if (hasPython) await import('../sandbox.test.ts');

test.skipIf(!hasPython)('the attacks of this file run in Python', async () => {
  const { attacksFile } = await import('#test/support/hosts/sandboxed-host.ts');
  expect([testedRuntime(), attacksFile]).toEqual(['python', 'index.py']);
});
