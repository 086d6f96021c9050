import { test as base } from 'vitest';
import { openBrowser } from './browser.ts';

/**
 * All tests of a file share one system and one browser, which start at the same time.
 *
 * - `sequent`: the system that `openSystem` starts.
 * - `browser`: a headless browser.
 */
export function pagesTest<System extends AsyncDisposable>(openSystem: () => Promise<System>) {
  return base
    .extend('openSystem', { scope: 'file' }, () => openSystem)
    .extend('opened', { scope: 'file' }, async ({ openSystem: open }, { onCleanup }) => {
      const [sequent, browser] = await Promise.all([open(), openBrowser()]);
      onCleanup(async () => {
        await browser[Symbol.asyncDispose]();
        await sequent[Symbol.asyncDispose]();
      });
      return { sequent, browser };
    })
    .extend('sequent', { scope: 'file' }, ({ opened }) => opened.sequent)
    .extend('browser', { scope: 'file' }, ({ opened }) => opened.browser);
}
