import { describe, expect, test } from 'vitest';
import { flowKeyOf } from '#src/core/functions/flow-key.ts';
import { queued } from '#test/support/log/facts.ts';

const keyOf = (payload: string, key: string): string => flowKeyOf({ fact: queued(), payload }, { concurrency: 1, key });

describe('the key of a request', () => {
  test('differs for two ids of 64 bits that are one number in JavaScript', () => {
    const ids = ['9007199254740992', '9007199254740993', '-12345678901234567890'];
    expect(ids.map((id) => keyOf(`{"customer":{"id":${id}}}`, '$.customer.id'))).toEqual(ids);
    expect(ids.map((id) => keyOf(`[0, {"id": ${id} }]`, '$[1].id'))).toEqual(ids);
  });

  test('is the same for one number that is written in two ways', () => {
    expect(keyOf('{"n":1.0}', '$.n')).toBe('1');
    expect(keyOf('{"n":1e20}', '$.n')).toBe('100000000000000000000');
    expect(keyOf('{"n":"1"}', '$.n')).toBe('1');
  });
});
