import { describeSandbox } from '#test/contract/hosts/sandbox.ts';
import { runtimeUnderTest } from '#test/support/hosts/runtime-under-test.ts';
import { attacksIn } from '#test/support/hosts/sandboxed-host.ts';

describeSandbox(await attacksIn(runtimeUnderTest('nodejs')));
