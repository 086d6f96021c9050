import { expect, test } from 'vitest';
import { timeIn } from '#src/judge/collect.ts';

test.for([
  ['$JS.ACK.INVOCATIONS.c.1.7.7.1796021903906999999.0', 1_796_021_903_906],
  ['$JS.ACK._.szMpdrwD.INVOCATIONS.c.1.7.7.1796021903907000000.0', 1_796_021_903_907],
  ['$JS.ACK._.szMpdrwD.INVOCATIONS.c.1.7.7.1796021903999999999.0.token', 1_796_021_903_999],
] as const)('the judge reads the time of %s without rounding', ([reply, at]) => {
  expect(timeIn(reply)).toBe(at);
});
