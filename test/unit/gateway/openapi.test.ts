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

test('the first request for /openapi.json leaves a turn to other callers after each route', async ({ opened }) => {
  let [turns, isOver] = [0, false];
  const count = (): void => {
    turns++;
    if (!isOver) setImmediate(count);
  };
  setImmediate(count);
  const { paths } = (await (await opened.app.request('/openapi.json')).json()) as { paths: Record<string, object> };
  isOver = true;
  const routes = Object.values(paths).reduce((sum, path) => sum + Object.keys(path).length, 0);
  expect(routes).toBeGreaterThan(50);
  expect(turns).toBeGreaterThanOrEqual(routes);
});
