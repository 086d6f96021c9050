import { expect, test } from 'vitest';
import { testedRuntime, testRuntime } from '#test/support/hosts/executions.ts';

// The attacks of the sandbox of Node.js, with the functions of `attacks.py`.
testRuntime('python');
await import('../sandbox.test.ts');

test('the attacks of this file run in Python', async () => {
  const { attacksFile } = await import('#test/support/hosts/sandboxed-host.ts');
  expect([testedRuntime(), attacksFile]).toEqual(['python', 'index.py']);
});
