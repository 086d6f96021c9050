import { describeChannelAttacks } from '#test/contract/hosts/channel-attacks.ts';
import { runtimeUnderTest } from '#test/support/hosts/runtime-under-test.ts';

describeChannelAttacks(runtimeUnderTest('nodejs'));
