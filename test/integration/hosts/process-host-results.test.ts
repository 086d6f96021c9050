import { describeProcessHostResults } from '#test/contract/hosts/process-host-results.ts';
import { runtimeUnderTest } from '#test/support/hosts/runtime-under-test.ts';

describeProcessHostResults(runtimeUnderTest('nodejs'));
