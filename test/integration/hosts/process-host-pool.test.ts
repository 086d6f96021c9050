import { describeProcessHostPool } from '#test/contract/hosts/process-host-pool.ts';
import { runtimeUnderTest } from '#test/support/hosts/runtime-under-test.ts';

describeProcessHostPool(runtimeUnderTest('nodejs'));
