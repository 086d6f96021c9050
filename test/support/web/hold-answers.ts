import type { Page } from 'playwright-core';
import { deferred } from '#src/core/deferred.ts';

/** Holds the answers to the requests of a page, from now on until `release`. `held`: the bodies, which the gateway has made already. */
export async function holdAnswers(page: Page, url: RegExp): Promise<{ held: string[]; release: () => void }> {
  const held: string[] = [];
  const released = deferred<void>();
  await page.route(url, async (route) => {
    const response = await route.fetch();
    held.push(await response.text());
    await released.promise;
    await route.fulfill({ response });
  });
  return { held, release: () => released.resolve() };
}
