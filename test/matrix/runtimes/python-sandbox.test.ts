import { describe, expect, test } from 'vitest';
import { describeSandbox } from '#test/contract/hosts/sandbox.ts';
import { describeUncountedMemory } from '#test/contract/hosts/uncounted-memory.ts';
import { hasPython } from '#test/support/hosts/python.ts';
import { runtimeUnderTest } from '#test/support/hosts/runtime-under-test.ts';
import { attacksIn } from '#test/support/hosts/sandboxed-host.ts';

const attacks = await attacksIn(runtimeUnderTest('python'));

// The functions of `attacks.py`. The registered tests are the same without a Python, and count as skipped.
describe.skipIf(!hasPython)('functions in Python', () => {
  describeSandbox(attacks);
  describeUncountedMemory(attacks);

  test('the attacks of this file run in Python', () => expect([attacks.runtime.id, attacks.file]).toEqual(['python', 'index.py']));
});
