import type { Page } from 'playwright-core';
import { describe, expect } from 'vitest';
import type { InvocationRow } from '#src/gateway/api/invocations/invocation-schemas.ts';
import { until } from '#test/support/conformance/until.ts';
import type { TestBrowser, Theme, WatchedPage } from '#test/support/web/browser.ts';
import { startWebSequent, type WebSequent } from '#test/support/web/content/web-sequent.ts';
import { holdAnswers } from '#test/support/web/hold-answers.ts';
import { chip, fresh, row, rows, settled } from '#test/support/web/invocation-list.ts';
import { collisionsIn } from '#test/support/web/page-checks.ts';
import { pagesTest } from '#test/support/web/pages-test.ts';
import { pressChord } from '#test/support/web/press-chord.ts';

const test = pagesTest(startWebSequent);

/** The request that reads the first rows of the list again. */
const HEAD = /\/api\/invocations\?.*limit=100/;

const live = (page: Page) => page.getByRole('status').getByText('Live').waitFor();
const query = (page: Page) => Object.fromEntries(new URL(page.url()).searchParams);

/** Opens the live list of a new function, which has one invocation. */
async function openWithOne({ sequent, browser }: { sequent: WebSequent; browser: TestBrowser }, name: string): Promise<WatchedPage> {
  await sequent.define(name);
  await settled(sequent, name, {});
  const watched = await browser.open(`${sequent.url}/?function=${name}`);
  await rows(watched.page).first().waitFor();
  await live(watched.page);
  return watched;
}

describe('the list of invocations', () => {
  test('an empty list shows a command to run, and then the first invocation', async ({ sequent, browser }) => {
    await using watched = await browser.open(sequent.url);
    const { page } = watched;
    await page.getByText('sequent invoke').waitFor();
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

  test('an invocation that is accepted while the list is read again is shown too', async ({ sequent, browser }) => {
    await using watched = await openWithOne({ sequent, browser }, 'late');
    const { page } = watched;
    const { held, release } = await holdAnswers(page, HEAD);
    const isRead = (id: string) => held.some((text) => text.includes(id));
    for (const _ of [1, 2]) {
      const [id = ''] = await settled(sequent, 'late', {});
      await expect.poll(() => isRead(id)).toBe(true);
    }
    release();
    await fresh(page).getByText('2 new').waitFor();
  });

  test('a list that is paused while it is read again does not change', async ({ sequent, browser }) => {
    await using watched = await openWithOne({ sequent, browser }, 'halts');
    const { page } = watched;
    const { held, release } = await holdAnswers(page, HEAD);
    const [later = ''] = await settled(sequent, 'halts', {});
    await expect.poll(() => held.some((text) => text.includes(later))).toBe(true);
    await page.locator('body').press('p');
    await page.getByRole('status').getByText('Paused').waitFor();
    const answered = page.waitForResponse(HEAD);
    release();
    await (await answered).finished();
    expect(await fresh(page).count()).toBe(0);
  });

  test('a paused list does not change, and catches up afterwards', async ({ sequent, browser }) => {
    await using watched = await openWithOne({ sequent, browser }, 'pauses');
    const { page } = watched;
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
    await page.waitForURL(`${sequent.url}/invocations/${failed}?function=searches`);
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
    await page.waitForURL(`${sequent.url}/invocations/${middle}?function=keys`);
    await page.getByRole('heading', { name: 'Machine' }).waitFor();
    await press('r');
    await page.getByRole('dialog').getByRole('button', { name: 'Redrive', exact: true }).click();
    await page.getByRole('dialog').getByRole('link').click();
    await page.getByText('Redrive of', { exact: true }).waitFor();
    await page.locator('.properties-line').getByRole('link', { name: middle }).waitFor();
    await pressChord(page, 'gi');
    await rows(page).first().waitFor();
    await press('?');
    await page.getByRole('dialog', { name: 'Keys' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
  });
});

describe('an id that two functions have (ID1)', () => {
  test('opens the invocation of the chosen function, and the page asks for this one alone', async ({ sequent, browser }) => {
    const id = 'order-4711';
    for (const name of ['twin-a', 'twin-b']) {
      await sequent.define(name);
      const headers = { 'idempotency-key': id };
      await sequent.call(`/api/functions/${name}/invocations`, { method: 'POST', body: { of: name }, headers });
    }
    await until('both are over', async () => {
      const { invocations } = await sequent.call<{ invocations: InvocationRow[] }>('/api/invocations?state=notified&limit=500');
      return invocations.filter(({ request_id }) => request_id === id).length === 2 || undefined;
    });
    await using watched = await browser.open(sequent.url);
    const { page } = watched;
    await expect.poll(() => row(page, id).count()).toBe(2);
    await row(page, id).filter({ hasText: 'twin-a' }).click();
    await page.getByRole('heading', { name: 'twin-a' }).waitFor();
    await page.getByText('{ "of": "twin-a" }').or(page.getByText('"twin-a"')).first().waitFor();

    // Without a function, the page lets the user choose.
    watched.allow(/409/);
    await page.goto(`${sequent.url}/invocations/${id}`);
    // Until the user chooses, the page asks for the id alone, and again when the log grows.
    const asked: string[] = [];
    page.on('request', (request) => void (page.url().includes('function=twin-b') && asked.push(request.url())));
    await page.getByRole('link', { name: 'twin-b', exact: true }).click();
    await page.waitForURL(`${sequent.url}/invocations/${id}?function=twin-b`);
    await page.getByRole('heading', { name: 'twin-b' }).waitFor();
    await page.getByRole('heading', { name: 'Explanation' }).waitFor();
    await page.locator('body').press('r');
    await page.getByRole('dialog').getByRole('button', { name: 'Redrive', exact: true }).click();
    await page.getByRole('dialog').getByRole('link').click();
    await page.locator('.properties-line').getByRole('link', { name: id }).click();
    await page.waitForURL(`${sequent.url}/invocations/${id}?function=twin-b`);
    const about = asked.filter((url) => url.includes('/api/invocations/'));
    expect(about.length).toBeGreaterThanOrEqual(4);
    expect(about.filter((url) => !url.includes('function=twin-b'))).toEqual([]);
  });
});

describe.each<Theme>(['light', 'dark'])('in %s', (theme) => {
  test('axe finds nothing on the list, and nothing is cut off at 360 px', async ({ sequent, browser }) => {
    await sequent.define(`looks-${theme}`);
    await settled(sequent, `looks-${theme}`, {}, { throws: 'no' });
    for (const width of [1280, 360]) {
      await using watched = await browser.open(sequent.url, { theme, width });
      const { page } = watched;
      await rows(page).first().waitFor();
      await chip(page, /^All \d/).waitFor();
      expect(await watched.violations()).toEqual([]);
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
      expect(await collisionsIn(page)).toEqual([]);
      await page.getByRole('button', { name: 'Redrive in bulk…' }).click();
      await page.getByRole('button', { name: /^Redrive \d/ }).waitFor();
      expect(await watched.violations()).toEqual([]);
    }
  });
});
