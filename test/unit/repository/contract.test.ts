import { readFileSync } from 'node:fs';
import specification from '@asyncapi/specs/schemas/3.0.0-without-$id.json' with { type: 'json' };
import { Ajv } from 'ajv';
import { expect, test } from 'vitest';
import { contractText } from '../../../build/contract.ts';

test('docs/asyncapi.json has the schemas with which messages are read, and is valid AsyncAPI 3', () => {
  const written = readFileSync(new URL('../../../docs/asyncapi.json', import.meta.url), 'utf8');
  // `npm run contract` writes it anew.
  expect(written).toBe(contractText());
  const validate = new Ajv({ strict: false, validateFormats: false }).compile(specification);
  const { channels, ...rest } = JSON.parse(written);
  expect(validate({ ...rest, channels }), JSON.stringify(validate.errors?.slice(0, 3))).toBe(true);
  expect(validate({ ...rest, channels: { ...channels, other: { adress: 'other' } } })).toBe(false);
});
