import { describeUncountedMemory } from '#test/contract/hosts/uncounted-memory.ts';
import { runtimeUnderTest } from '#test/support/hosts/runtime-under-test.ts';
import { attacksIn } from '#test/support/hosts/sandboxed-host.ts';

describeUncountedMemory(await attacksIn(runtimeUnderTest('nodejs')));
