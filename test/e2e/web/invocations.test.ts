import type { Page } from 'playwright-core';
import { describe, expect } from 'vitest';
import type { InvocationRow } from '#src/gateway/api/schemas/invocations.ts';
import { until } from '#test/support/conformance/until.ts';
import type { Theme } from '#test/support/web/browser.ts';
import { pagesTest } from '#test/support/web/pages-test.ts';
import { startWebSequent, type WebSequent } from '#test/support/web/web-sequent.ts';

const test = pagesTest(startWebSequent);

const rows = (page: Page) => page.locator('.table-body .row');
const row = (page: Page, id: string) => page.locator(`.table-body .row[data-id="${id}"]`);
const live = (page: Page) => page.getByRole('status').getByText('Live').waitFor();
const chip = (page: Page, name: RegExp) => page.getByRole('group', { name: 'State' }).getByRole('button', { name });
const fresh = (page: Page) => page.getByRole('button', { name: /new invocations/ });
const query = (page: Page) => Object.fromEntries(new URL(page.url()).searchParams);

/** Invokes a function with each event, and waits until the list shows all of them as notified. */
async function settled(sequent: WebSequent, name: string, ...events: unknown[]): Promise<string[]> {
  const ids: string[] = [];
  for (const event of events) ids.push(await sequent.invoke(name, event));
  await until('the list shows all of them', async () => {
    const { invocations } = await sequent.call<{ invocations: InvocationRow[] }>(
      `/api/invocations?function=${name}&state=notified&limit=500`,
    );
    const notified = new Set(invocations.map(({ request_id }) => request_id));
    return ids.every((id) => notified.has(id)) || undefined;
  });
  return ids;
}

describe('the list of invocations', () => {
  test('an empty list shows a command to run, and then the first invocation', async ({ sequent, browser }) => {
    await using watched = await browser.open(sequent.url);
    const { page } = watched;
    await page.getByText('npx sequent invoke').waitFor();
    expect(await watched.violations()).toEqual([]);
    await live(page);
    await sequent.define('first');
    await row(page, await sequent.invoke('first')).waitFor();
  });

  test('rows change in place and never move: new ones wait until the user shows them', async ({ sequent, browser }) => {
    await sequent.define('moves');
    const held = await sequent.invoke('moves', { gate: 'moves' });
    await sequent.invocation(held, ({ state }) => state === 'running');
    await using watched = await browser.open(`${sequent.url}/?function=moves`);
    const { page } = watched;
    await row(page, held).getByText('Running').waitFor();
    await chip(page, /^All 1/).waitFor();
    await live(page);
    const before = await row(page, held).boundingBox();
    const [first] = await settled(sequent, 'moves', { order: 1 }, { order: 2 });
    await fresh(page).getByText('2 new').waitFor();
    await sequent.openGate('moves');
    await row(page, held).getByText('Succeeded').waitFor();
    expect(await row(page, held).boundingBox()).toEqual(before);
    expect(await rows(page).count()).toBe(1);
    await fresh(page).click();
    await row(page, first ?? '').waitFor();
    await expect.poll(() => rows(page).count()).toBe(3);
    await fresh(page).waitFor({ state: 'detached' });
  });

  test('a paused list does not change, and catches up afterwards', async ({ sequent, browser }) => {
    await sequent.define('pauses');
    await settled(sequent, 'pauses', {});
    await using watched = await browser.open(`${sequent.url}/?function=pauses`);
    const { page } = watched;
    await rows(page).first().waitFor();
    await live(page);
    await page.locator('body').press('p');
    await page.getByRole('status').getByText('Paused').waitFor();
    await settled(sequent, 'pauses', {}, {});
    expect(await fresh(page).count()).toBe(0);
    await page.locator('body').press('p');
    await fresh(page).getByText('2 new').waitFor();
  });

  test('the filter is kept in the address, counts are by state, and the back button works', async ({ sequent, browser }) => {
    await sequent.define('filters');
    await settled(sequent, 'filters', {}, {}, { throws: 'no' }, { throws: 'no again' }, {});
    await using watched = await browser.open(sequent.url);
    const { page } = watched;
    await page.getByRole('combobox', { name: 'Function' }).selectOption('filters');
    await chip(page, /^All 5/).waitFor();
    await chip(page, /^Succeeded 3/).waitFor();
    await chip(page, /^Failed 2/).click();
    await expect.poll(() => rows(page).count()).toBe(2);
    await expect.poll(() => query(page)).toEqual({ function: 'filters', status: 'FAIL' });
    await page.reload();
    await expect.poll(() => rows(page).count()).toBe(2);
    await expect.poll(() => chip(page, /^Failed 2/).getAttribute('aria-pressed')).toBe('true');
    await page.goBack();
    await expect.poll(() => rows(page).count()).toBe(5);
    await page.goto(`${sequent.url}/?function=filters&min_attempts=2`);
    await page.getByText('No matching invocations').waitFor();
    await page.getByRole('button', { name: 'min attempts 2' }).click();
    await rows(page).nth(4).waitFor();
    await page.getByRole('button', { name: 'Clear' }).click();
    await expect.poll(() => query(page)).toEqual({});
  });

  test('a search finds words of payload and error, and a request id opens its page', async ({ sequent, browser }) => {
    await sequent.define('searches');
    const [paid = '', failed = ''] = await settled(
      sequent,
      'searches',
      { customer: 'Grace Hopper' },
      { throws: 'the quota of tenant zebra is used up' },
    );
    await using watched = await browser.open(sequent.url);
    const { page } = watched;
    const search = async (text: string) => {
      await page.locator('body').press('/');
      await page.locator('input[type=search]:focus').waitFor();
      await page.keyboard.type(text);
      await page.keyboard.press('Enter');
    };
    const only = async (id: string) => {
      await expect.poll(() => rows(page).count()).toBe(1);
      await row(page, id).waitFor();
    };
    const clear = async () => {
      await page.getByRole('button', { name: 'Clear' }).click();
      await expect.poll(() => page.locator('input[type=search]').inputValue()).toBe('');
    };
    // A single word is tried as a request id first.
    watched.allow(/404/);
    await search('hopper');
    await only(paid);
    await clear();
    await search('quota zebra');
    await only(failed);
    await clear();
    await search(failed);
    await page.waitForURL(`${sequent.url}/invocations/${failed}`);
  });

  test('keys select, open and redrive an invocation and go back', async ({ sequent, browser }) => {
    await sequent.define('keys');
    const [oldest = '', middle = '', newest = ''] = await settled(sequent, 'keys', { n: 1 }, { n: 2 }, { n: 3 });
    await using watched = await browser.open(`${sequent.url}/?function=keys`);
    const { page } = watched;
    await rows(page).nth(2).waitFor();
    const press = (key: string) => page.locator('body').press(key);
    const selected = (id: string) => page.locator(`.row.selected[data-id="${id}"]`).waitFor();
    await press('j');
    await selected(newest);
    for (const key of ['j', 'j', 'j']) await press(key);
    await selected(oldest);
    await press('k');
    await selected(middle);
    await press('Enter');
    await page.waitForURL(`${sequent.url}/invocations/${middle}`);
    await page.getByRole('heading', { name: 'Machine' }).waitFor();
    await press('r');
    await page.getByRole('dialog').getByRole('button', { name: 'Redrive', exact: true }).click();
    await page.getByRole('dialog').getByRole('link').click();
    await page.getByText('Redrive of', { exact: true }).waitFor();
    await page.locator('.properties-line').getByRole('link', { name: middle }).waitFor();
    await press('g');
    await press('i');
    await rows(page).first().waitFor();
    await press('?');
    await page.getByRole('dialog', { name: 'Keys' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
  });
});

describe('in bulk', () => {
  test('failed invocations are counted and then redriven once', async ({ sequent, browser }) => {
    await sequent.define('bulks');
    const [, ...failed] = await settled(sequent, 'bulks', {}, { fails: 1 }, { fails: 1 });
    await using watched = await browser.open(`${sequent.url}/?function=bulks`);
    const { page } = watched;
    await rows(page).nth(2).waitFor();
    await page.getByRole('button', { name: 'Redrive in bulk…' }).click();
    const dialog = page.getByRole('dialog', { name: 'Redrive in bulk' });
    await dialog.getByText('2 match.').waitFor();
    await dialog.getByRole('button', { name: 'Redrive 2' }).click();
    await dialog.getByText('2 redriven.').waitFor();
    for (const id of failed)
      expect((await sequent.invocation(id, ({ redriven_as }) => redriven_as.length > 0)).redriven_as).toHaveLength(1);
    await dialog.getByRole('button', { name: 'Close' }).last().click();
    await fresh(page).getByText('2 new').waitFor();
  });

  test('open invocations are counted and then cancelled', async ({ sequent, browser }) => {
    await sequent.define('held');
    const held = [await sequent.invoke('held', { gate: 'never' }), await sequent.invoke('held', { gate: 'never' })];
    await using watched = await browser.open(`${sequent.url}/?function=held`);
    const { page } = watched;
    await chip(page, /^Running 2/).waitFor();
    await page.getByRole('button', { name: 'Cancel in bulk…' }).click();
    await page.getByRole('button', { name: 'Cancel 2' }).click();
    await page.getByText('2 cancelled.').waitFor();
    for (const id of held) await row(page, id).getByText('Failed').waitFor();
  });
});

describe.each<Theme>(['light', 'dark'])('in %s', (theme) => {
  test('axe finds nothing serious on the list, and nothing is cut off at 360 px', async ({ sequent, browser }) => {
    await sequent.define(`looks-${theme}`);
    await settled(sequent, `looks-${theme}`, {}, { throws: 'no' });
    for (const width of [1280, 360]) {
      await using watched = await browser.open(sequent.url, { theme, width });
      const { page } = watched;
      await rows(page).first().waitFor();
      await chip(page, /^All \d/).waitFor();
      expect(await watched.violations()).toEqual([]);
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
      await page.getByRole('button', { name: 'Redrive in bulk…' }).click();
      await page.getByRole('button', { name: /^Redrive \d/ }).waitFor();
      expect(await watched.violations()).toEqual([]);
    }
  });
});
