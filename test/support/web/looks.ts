import type { Page } from 'playwright-core';
import type { WatchedPage } from './browser.ts';

/** The serious violations that axe finds in light and in dark, each with its theme. */
export async function violationsInBothThemes(watched: WatchedPage): Promise<string[]> {
  const found: string[] = [];
  for (const colorScheme of ['light', 'dark'] as const) {
    await watched.page.emulateMedia({ colorScheme });
    found.push(...(await watched.violations()).map((violation) => `${colorScheme}: ${violation}`));
  }
  return found;
}

/** What reaches over the right border of the page, so that it would scroll sideways; parts that scroll by themselves may. */
export async function overflowOf(page: Page): Promise<string[]> {
  return await page.evaluate<string[]>(overflow);
}

/** Runs in the page, where there are no types of ours. */
const overflow = `(() => {
  const { scrollWidth, clientWidth } = document.documentElement;
  if (scrollWidth <= clientWidth) return [];
  const wide = [...document.querySelectorAll('body *')].filter((one) => one.getBoundingClientRect().right > clientWidth + 1);
  return [scrollWidth + ' > ' + clientWidth, ...wide.slice(0, 5).map((one) => one.tagName + ' ' + one.getAttribute('class'))];
})()`;
