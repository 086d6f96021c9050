import { expect, test } from 'vitest';
import { testedRuntime, testRuntime } from '#test/support/hosts/executions.ts';

// The tests of the host for Node.js, with the same functions in an executable that keeps the runtime protocol itself.
testRuntime('executable');
await import('#test/integration/hosts/process-host-results.test.ts');
await import('#test/integration/hosts/process-host-limits.test.ts');
await import('#test/integration/hosts/process-host-pool.test.ts');
await import('#test/integration/hosts/process-host-isolation.test.ts');
await import('#test/integration/hosts/channel-attacks.test.ts');

test('the tests of the host for Node.js run in an executable', () => expect(testedRuntime()).toBe('executable'));
