import { test as base } from 'vitest';
import { ask, openApp } from './opened-app.ts';

/**
 * Each test has the gateway's routes with the function `test1`.
 *
 * - `opened`: the routes with what they use.
 * - `ask`: sends a request to a route.
 */
export const appTest = base
  .extend('opened', async ({ task: _ }) => {
    const opened = await openApp();
    await opened.registry.put({ name: 'test1', handler: { kind: 'inline' } });
    return opened;
  })
  .extend(
    'ask',
    ({ opened }) =>
      (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
        ask(opened, method, path, { body, headers }),
  );
