import type { Page } from 'playwright-core';
import type { WatchedPage } from './browser.ts';

/** The serious violations of accessibility in the light and in the dark theme. */
export async function violationsInBothThemes(watched: WatchedPage): Promise<string[]> {
  const found: string[] = [];
  for (const colorScheme of ['light', 'dark'] as const) {
    await watched.page.emulateMedia({ colorScheme });
    found.push(...(await watched.violations()).map((violation) => `${colorScheme}: ${violation}`));
  }
  return found;
}

/** The elements beyond the right border of the page, which would make it scroll sideways. Empty when there are none. */
export async function overflowOf(page: Page): Promise<string[]> {
  return await page.evaluate<string[]>(overflow);
}

/** A script that runs in the page. */
const overflow = `(() => {
  const { scrollWidth, clientWidth } = document.documentElement;
  if (scrollWidth <= clientWidth) return [];
  const wide = [...document.querySelectorAll('body *')].filter((one) => one.getBoundingClientRect().right > clientWidth + 1);
  return [scrollWidth + ' > ' + clientWidth, ...wide.slice(0, 5).map((one) => one.tagName + ' ' + one.getAttribute('class'))];
})()`;
