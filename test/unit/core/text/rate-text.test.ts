import { expect, test } from 'vitest';
import { parseRateFields, rateFieldsInText } from '#src/core/text/rate-text.ts';

test.for([
  ['100/1s', { limit: 100, per: '1s' }],
  ['10/h', { limit: 10, per: '1h' }],
  ['100/1.5m:20', { limit: 100, per: '1.5m', burst: 20 }],
] as const)('the rate %s is read, and written again', ([text, fields]) => {
  expect(parseRateFields(text)).toEqual(fields);
  expect(parseRateFields(rateFieldsInText(fields))).toEqual(fields);
});

test.for(['', '100', '100/second', '1.5/1s', '100/1s:', '100/1s:-1'])('the text "%s" is no rate', (text) => {
  expect(parseRateFields(text)).toBeUndefined();
});
