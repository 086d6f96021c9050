import { describeProcessHostLimits } from '#test/contract/hosts/process-host-limits.ts';
import { runtimeUnderTest } from '#test/support/hosts/runtime-under-test.ts';

describeProcessHostLimits(runtimeUnderTest('nodejs'));
