import type { Page } from 'playwright-core';
import { describe, expect } from 'vitest';
import { type Language, languages } from '#src/core/text/language.ts';
import type { Theme, WatchedPage } from '#test/support/web/browser.ts';
import { openFurnished } from '#test/support/web/content/furnished.ts';
import { overflowOf } from '#test/support/web/page-checks.ts';
import { pagesTest } from '#test/support/web/pages-test.ts';
import { untranslatedIn } from '#test/support/web/untranslated.ts';
import { functionVisits, listVisits, otherVisits, sayIn, walkThrough } from '#test/support/web/visits.ts';

const test = pagesTest(openFurnished);

type Look = { width: number; theme: Theme; rules?: 'of colours' };
const widest: Look = { width: 1_280, theme: 'light' };
const narrowest: Look = { width: 360, theme: 'dark' };
/** Each width and each theme has all rules once. The other two combinations can differ in colours alone. */
const others: readonly Look[] = [
  { width: 1_280, theme: 'dark', rules: 'of colours' },
  { width: 360, theme: 'light', rules: 'of colours' },
];
/** How axe sees a page and its dialogs. Chinese changes the texts and not the colours, so one look is enough there. */
const looks: Readonly<Record<Language, Record<'page' | 'part', readonly Look[]>>> = {
  en: { page: [widest, ...others, narrowest], part: [widest, narrowest] },
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
    for (const violation of await watched.violations(look.rules)) findings.push(`${look.width} px, ${look.theme}: ${violation}`);
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

test('numbers and relative times in Chinese are those of Intl, and dates have the order of ISO 8601', async ({ sequent, browser }) => {
  // The next fire time is months away, so its relative time is a number of days.
  const month = ((new Date().getUTCMonth() + 6) % 12) + 1;
  const body = { cron: `0 3 15 ${month} *`, time_zone: 'UTC', function: 'invoices', event: {} };
  await sequent.call('/api/schedules/distant', { method: 'PUT', body });
  await using watched = await browser.open(`${sequent.url}/schedules`, { language: 'zh-CN' });
  const { page } = watched;
  const times = page.getByRole('row').filter({ hasText: 'distant' }).locator('.fire-times li').first().locator('time');
  await times.nth(1).waitFor();
  const due = new Date((await times.nth(1).getAttribute('datetime')) ?? '');
  expect((await times.nth(0).textContent())?.slice(0, 19)).toBe(due.toISOString().slice(0, 19).replace('T', ' '));
  const inDays = new Intl.RelativeTimeFormat('zh-CN', { style: 'narrow' });
  await expect
    .poll(async () => [await times.nth(1).textContent(), inDays.format(Math.floor((due.getTime() - Date.now()) / 86_400_000), 'day')])
    .toSatisfy(([shown, expected]) => shown === expected && /^\d+天后$/.test(String(shown)));
  await page.goto(`${sequent.url}/system`);
  const quota = page.getByRole('region', { name: '配额', exact: true }).locator('tbody tr').first();
  await expect.poll(() => quota.locator('td').allTextContents()).toContain(new Intl.NumberFormat('zh-CN').format(1_000));
});
