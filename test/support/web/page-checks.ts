import type { Page } from 'playwright-core';
import type { WatchedPage } from './browser.ts';

/** The violations of accessibility in the light and in the dark theme. */
export async function violationsInBothThemes(watched: WatchedPage): Promise<string[]> {
  const found: string[] = [];
  for (const [colorScheme, rules] of [
    ['light', 'all'],
    ['dark', 'of colours'],
  ] as const) {
    await watched.page.emulateMedia({ colorScheme });
    found.push(...(await watched.violations(rules)).map((violation) => `${colorScheme}: ${violation}`));
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

/** The cells of the list of invocations whose text overlaps that of another cell of their row. Empty when there are none. */
export async function collisionsIn(page: Page): Promise<string[]> {
  return await page.evaluate<string[]>(collisions);
}

/** A script that runs in the page. */
const collisions = `[...document.querySelectorAll('.table-body .row')].flatMap((row) => {
  const cells = [...row.children].filter((cell) => cell.checkVisibility() && cell.textContent.trim() !== '');
  const boxes = cells.map((cell) => {
    const range = document.createRange();
    range.selectNodeContents(cell);
    const { left, right, top, bottom } = range.getBoundingClientRect();
    const frame = cell.getBoundingClientRect();
    return { text: cell.textContent, left, right: Math.min(right, frame.right), top, bottom };
  });
  return boxes.flatMap((one, index) =>
    boxes
      .slice(index + 1)
      .filter(({ left, right, top, bottom }) => one.left < right && left < one.right && one.top < bottom && top < one.bottom)
      .map(({ text }) => one.text + ' / ' + text),
  );
})`;
