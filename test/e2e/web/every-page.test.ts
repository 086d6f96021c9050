import type { Page } from 'playwright-core';
import { describe, expect } from 'vitest';
import { type Language, languages } from '#src/core/text/language.ts';
import type { Theme, WatchedPage } from '#test/support/web/browser.ts';
import { openFurnished } from '#test/support/web/furnished.ts';
import { overflowOf } from '#test/support/web/page-checks.ts';
import { pagesTest } from '#test/support/web/pages-test.ts';
import { untranslatedIn } from '#test/support/web/untranslated.ts';
import { functionVisits, listVisits, otherVisits, sayIn, walkThrough } from '#test/support/web/visits.ts';

const test = pagesTest(openFurnished);

type Look = { width: number; theme: Theme };
const widest: Look = { width: 1_280, theme: 'light' };
const narrowest: Look = { width: 360, theme: 'dark' };
/** How axe sees a page and its dialogs. Chinese changes the texts and not the colours, so one look is enough there. */
const looks: Readonly<Record<Language, Record<'page' | 'part', readonly Look[]>>> = {
  en: { page: [widest, { width: 1_280, theme: 'dark' }, { width: 360, theme: 'light' }, narrowest], part: [widest, narrowest] },
  'zh-CN': { page: [narrowest], part: [] },
};

async function show(page: Page, { width, theme }: Look): Promise<void> {
  await page.setViewportSize({ width, height: 900 });
  await page.emulateMedia({ colorScheme: theme });
}

async function findingsOf(watched: WatchedPage, language: Language, kind: 'page' | 'part'): Promise<string[]> {
  const { page } = watched;
  const findings = language === 'en' ? [] : await untranslatedIn(page);
  for (const look of looks[language][kind]) {
    await show(page, look);
    for (const violation of await watched.violations()) findings.push(`${look.width} px, ${look.theme}: ${violation}`);
  }
  await show(page, narrowest);
  findings.push(...(await overflowOf(page)));
  await show(page, widest);
  return findings;
}

describe.for(languages)('every page and every dialog, in %s', (language) => {
  test.for(['of invocations', 'of functions', 'of the system'] as const)(
    '%s: axe finds nothing, nothing is cut off at 360 px, and one language is spoken',
    { timeout: 300_000 },
    async (which, { sequent, browser }) => {
      const visits = { 'of invocations': listVisits(sequent), 'of functions': functionVisits, 'of the system': otherVisits }[which];
      await using watched = await browser.open(sequent.url, { language });
      const { page } = watched;
      // Of the pages of things that do not exist.
      watched.allow(/status of 404/);
      const found: Record<string, string[]> = {};
      await walkThrough({ page, url: sequent.url, say: sayIn(language) }, visits, async (path, part) => {
        const findings = await findingsOf(watched, language, part === undefined ? 'page' : 'part');
        if (findings.length > 0) found[`${path} ${part ?? ''}`] = findings;
      });
      expect(found).toEqual({});
    },
  );
});

test.for([
  { language: 'en', card: 'Quotas', open: /^defaultopen invocations\d1,0000 free$/ },
  { language: 'zh-CN', card: '配额', open: /^default未结束的调用\d1,0000 未达到$/ },
])('the quotas of a project and what is used of them are on the page System ($language)', async (example, { sequent, browser }) => {
  const { language, card, open } = example;
  await using watched = await browser.open(`${sequent.url}/system`, { language });
  const rows = watched.page.getByRole('region', { name: card, exact: true }).locator('tbody tr');
  await expect.poll(() => rows.allTextContents()).toEqual([expect.stringMatching(open), expect.stringMatching(/500/)]);
});
