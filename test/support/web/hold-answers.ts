import type { Page } from 'playwright-core';

/** Holds the answers to the requests of a page, from now on until `release`. `held`: the bodies, which the gateway has made already. */
export async function holdAnswers(page: Page, url: RegExp): Promise<{ held: string[]; release: () => void }> {
  const held: string[] = [];
  let release = (): void => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  await page.route(url, async (route) => {
    const response = await route.fetch();
    held.push(await response.text());
    await released;
    await route.fulfill({ response });
  });
  return { held, release };
}
