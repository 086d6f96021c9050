import { describeProcessHostIsolation } from '#test/contract/hosts/process-host-isolation.ts';
import { runtimeUnderTest } from '#test/support/hosts/runtime-under-test.ts';

describeProcessHostIsolation(runtimeUnderTest('nodejs'));
