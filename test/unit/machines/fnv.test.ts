import { expect, test } from 'vitest';
import { fnv1a } from '#machines/fnv.ts';

test.for([
  ['', 0x811c9dc5],
  ['a', 0xe40c292c],
  ['foobar', 0xbf9cf968],
] as const)('FNV-1a of "%s" is the value that its authors published', ([text, hash]) => {
  expect(fnv1a(text) >>> 0).toBe(hash);
});
