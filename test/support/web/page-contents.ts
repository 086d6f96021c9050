import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';

/*
 * What stood on a page when its picture was taken: its fixed words and how they look. A page that has others now needs a new picture. Rows,
 * numbers, times and names of what runs are left out, because they differ from run to run.
 */

const file = fileURLToPath(new URL('../../../docs/pictures/contents.json', import.meta.url));

/** A script that runs in the page. */
const readContents = `(() => {
  const fixed = 'header a, header button, nav a, h1, h2, h3, button, th, [role=columnheader], label, legend, dt, summary, .figure-label';
  const varying = '.row, .event-rows, .toast, [role=status], tbody';
  const found = new Set();
  for (const element of document.querySelectorAll(fixed)) {
    if (!element.checkVisibility() || element.closest(varying) !== null) continue;
    // A count stands behind its word. A button with other numbers tells what has run.
    const words = (element.getAttribute('aria-label') ?? element.textContent).replaceAll(/\\s+/g, ' ').trim().replace(/ ?[\\d,]+\\+?$/, '');
    if (/\\d/.test(words) && element.matches('button, summary')) continue;
    const name = words.replaceAll(/[\\d.,]+/g, '#');
    const { color, backgroundColor, fontSize, fontWeight, borderRadius } = getComputedStyle(element);
    found.add(element.tagName.toLowerCase() + ' "' + name + '" ' + [color, backgroundColor, fontSize, fontWeight, borderRadius].join(' '));
  }
  return [...found].sort();
})()`;

export async function contentsOf(page: Page): Promise<string[]> {
  return await page.evaluate<string[]>(readContents);
}

type Recorded = Readonly<Record<string, readonly string[]>>;

/** The contents of the pages when their pictures were taken, by the names of the pictures. */
export function recordedContents(): Recorded {
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Recorded) : {};
}

export function recordContents(contents: Recorded): void {
  writeFileSync(file, `${JSON.stringify(contents, null, 2)}\n`);
}
