import { expect, test } from 'vitest';
import { describeChannelAttacks } from '#test/contract/hosts/channel-attacks.ts';
import { describeProcessHostIsolation } from '#test/contract/hosts/process-host-isolation.ts';
import { describeProcessHostLimits } from '#test/contract/hosts/process-host-limits.ts';
import { describeProcessHostPool } from '#test/contract/hosts/process-host-pool.ts';
import { describeProcessHostResults } from '#test/contract/hosts/process-host-results.ts';
import { runtimeUnderTest } from '#test/support/hosts/runtime-under-test.ts';

const runtime = runtimeUnderTest('executable');

// The functions of the tests for Node.js, in an executable that keeps the runtime protocol itself.
describeProcessHostResults(runtime);
describeProcessHostLimits(runtime);
describeProcessHostPool(runtime);
describeProcessHostIsolation(runtime);
describeChannelAttacks(runtime);

test('the tests of the host for Node.js run in an executable', () => expect(runtime.id).toBe('executable'));
