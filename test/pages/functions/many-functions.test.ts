import { expect } from 'vitest';
import { startWebSequent } from '#test/support/web/content/web-sequent.ts';
import { overflowOf, violationsInBothThemes } from '#test/support/web/page-checks.ts';
import { pagesTest } from '#test/support/web/pages-test.ts';

const test = pagesTest(async () => {
  const sequent = await startWebSequent();
  await sequent.run(['project', 'quota', 'default', '--functions', '2000']);
  return sequent;
});
/** More than the page shows at one time. */
const FUNCTIONS = 510;
const nameOf = (index: number): string => `many-${String(index).padStart(4, '0')}`;

test('more functions than a page shows are found by pages, by a part of their names, and by what ran', async ({ sequent, browser }) => {
  const names = Array.from({ length: FUNCTIONS }, (_, index) => nameOf(index));
  for (let from = 0; from < names.length; from += 30) await Promise.all(names.slice(from, from + 30).map((name) => sequent.define(name)));
  await sequent.invocation(await sequent.invoke(nameOf(507)));
  await using watched = await browser.open(`${sequent.url}/functions`);
  const { page } = watched;
  const rows = page.getByRole('region', { name: 'All functions' }).locator('tbody tr');
  await page.getByText('500 of many').waitFor();
  expect(await rows.count()).toBe(500);
  expect(await page.getByRole('region', { name: 'Destination graph' }).count()).toBe(0);
  await page.getByRole('link', { name: 'Next page' }).click();
  await page.getByRole('link', { name: nameOf(509) }).waitFor();
  expect(await rows.count()).toBe(10);
  expect(await page.getByRole('link', { name: 'Next page' }).count()).toBe(0);
  await page.getByRole('searchbox', { name: 'Find a function' }).fill('NY-0508');
  await page.getByRole('link', { name: nameOf(508) }).waitFor();
  expect(await rows.count()).toBe(1);
  await page.getByRole('searchbox', { name: 'Find a function' }).fill('');
  await page.getByRole('button', { name: 'busiest first' }).click();
  await page.getByRole('link', { name: nameOf(507) }).waitFor();
  await expect.poll(() => rows.count()).toBe(1);
  await page.setViewportSize({ width: 360, height: 740 });
  expect(await overflowOf(page)).toEqual([]);
  expect(await violationsInBothThemes(watched)).toEqual([]);
});

test('the invocations of a function whose name no list shows are found by typing it', async ({ sequent, browser }) => {
  const others = Array.from({ length: 1_001 - FUNCTIONS }, (_, index) => `other-${index}`);
  for (let from = 0; from < others.length; from += 30) await Promise.all(others.slice(from, from + 30).map((name) => sequent.define(name)));
  await sequent.invocation(await sequent.invoke('other-99'));
  await using watched = await browser.open(`${sequent.url}/`);
  const { page } = watched;
  const field = page.getByPlaceholder('All functions');
  await field.fill('other-99');
  // The list is read again while a person types.
  await sequent.invoke('other-98');
  await page.getByRole('button', { name: /^Show \d+ new/ }).waitFor();
  expect(await field.inputValue()).toBe('other-99');
  await field.press('Enter');
  await expect.poll(() => new URL(page.url()).searchParams.get('function')).toBe('other-99');
  expect(await violationsInBothThemes(watched)).toEqual([]);
});
