import { createConfig, lintFromString } from '@redocly/openapi-core';
import { expect } from 'vitest';
import { appTest as test } from '#test/support/gateway/app-test.ts';

test('/openapi.json has no finding of the recommended rules of redocly, and a broken copy has one', async ({ opened }) => {
  const document = await (await opened.app.request('/openapi.json')).json();
  const config = await createConfig({ extends: ['recommended'] });
  const findingsOf = async (source: unknown) =>
    (await lintFromString({ source: JSON.stringify(source), config, absoluteRef: '/openapi.json' })).map(
      ({ ruleId, message, location: [place] }) => `${ruleId} ${place?.pointer}: ${message}`,
    );
  expect(await findingsOf({ ...document, paths: { '/a': { get: { responses: {} } } } })).not.toEqual([]);
  expect(await findingsOf(document)).toEqual([]);
});
