import { readFileSync } from 'node:fs';
import specification from '@asyncapi/specs/schemas/3.0.0-without-$id.json' with { type: 'json' };
import { createConfig, lintFromString } from '@redocly/openapi-core';
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

test('docs/asyncapi.json has no finding of the recommended rules of redocly, and a broken copy has one', async () => {
  const document = JSON.parse(contractText());
  // Whether a server of NATS wants credentials is its own matter.
  const config = await createConfig({ extends: ['recommended'], rules: { 'security-defined': 'off' } });
  const findingsOf = async (source: unknown) =>
    (await lintFromString({ source: JSON.stringify(source), config, absoluteRef: '/asyncapi.json' })).map(
      ({ ruleId, message, location: [place] }) => `${ruleId} ${place?.pointer}: ${message}`,
    );
  const broken = { ...document.operations, other: { action: 'send', channel: { $ref: '#/channels/none' } } };
  expect(await findingsOf({ ...document, operations: broken })).toHaveLength(1);
  expect(await findingsOf(document)).toEqual([]);
});
