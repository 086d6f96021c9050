import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect } from 'vitest';
import type { WatchedPage } from '#test/support/web/browser.ts';
import { openShop } from '#test/support/web/content/shop.ts';
import { functionDestination } from '#test/support/web/content/web-sequent.ts';
import { contentsOf, recordContents, recordedContents } from '#test/support/web/page-contents.ts';
import { pagesTest } from '#test/support/web/pages-test.ts';
import { drawnShareOf } from '#test/support/web/png.ts';

/*
 * The pictures of README and docs/pages.md, taken from a running Sequent. With SEQUENT_PICTURES=1 they are written into the checkout, with what
 * stood on the pages. Otherwise they are written into a temporary folder, and what stands on the pages is compared.
 */

let folder: string;
const contents: Record<string, readonly string[]> = {};
const isKept = process.env.SEQUENT_PICTURES === '1';
const test = pagesTest(openShop);
test.beforeAll(async () => {
  folder = isKept ? fileURLToPath(new URL('../../docs/pictures', import.meta.url)) : await mkdtemp(join(tmpdir(), 'sequent-pictures-'));
});
test.afterAll(async () => {
  if (isKept) recordContents(Object.fromEntries(Object.entries(contents).sort()));
  else await rm(folder, { recursive: true, force: true });
});

async function take({ page }: WatchedPage, name: string): Promise<void> {
  const file = join(folder, `${name}.png`);
  const picture = await page.screenshot({ path: file });
  const { size } = await stat(file);
  process.stdout.write(`picture ${name}.png: ${Math.round(size / 1_024)} KB, ${(drawnShareOf(picture) * 100).toFixed(1)} % of it drawn\n`);
  // A page without content has less than 0.5 %.
  expect(drawnShareOf(picture)).toBeGreaterThan(0.01);
  expect(size).toBeLessThan(600 * 1_024);
  contents[name] = await contentsOf(page);
  if (!isKept) expect(contents[name], `the page of docs/pictures/${name}.png changed: npm run pictures`).toEqual(recordedContents()[name]);
}

/** A script that runs in the page: the height of the list that its frame hides, and the rows that are not painted. */
const eventsOnPaper = `(() => {
  const list = document.querySelector('.event-rows');
  const rows = [...document.querySelectorAll('.event-row > *')];
  const unpainted = rows.filter((part) => !part.checkVisibility({ contentVisibilityAuto: true })).length;
  return { cutOff: list.scrollHeight - list.clientHeight, unpainted };
})()`;

describe('the pictures of the documents', () => {
  test('show four pages as they are: the list, an invocation with retries, a function, the system', async ({ sequent: shop, browser }) => {
    await shop.define('reports', { paused: true, policy: { maxRetries: 0, maxAgeInSeconds: 1 } });
    await shop.define('exports', { paused: true });
    await shop.define('imports', { policy: { maxRetries: 2, backoff: { initialInMs: 90_000, factor: 1, maxInMs: 90_000, jitter: 0 } } });
    const late = await shop.invoke('reports', { month: '2026-10' });
    const charged = await shop.invoke('orders', {
      order: 4_711,
      items: [{ sku: 'A-1', count: 2 }],
      token: 'tok_4711',
      ms: 350,
      fails: 2,
      prints: 'charging order 4711',
      returns: { charged: 124, currency: 'EUR' },
    });
    const declined = await shop.invoke('orders', { order: 4_712, ms: 60, throws: 'card declined: insufficient funds' });
    for (const id of [late, charged, declined]) await shop.invocation(id);
    const others = [
      await shop.invoke('returns', { order: 4_698, returns: { refunded: 12.5 } }),
      await shop.invoke('thumbnails', { picture: 'huge.tiff', ms: 5_000 }),
      await shop.invoke('thumbnails', { picture: 'cat.png', ms: 30, returns: { width: 128, height: 96 } }),
      await shop.invoke('orders', { order: 4_713, ms: 120, returns: { charged: 17 } }),
    ];
    for (const id of others) await shop.invocation(id);
    await shop.invoke('exports', { table: 'orders' });
    const refused = await shop.invoke('imports', { file: 'prices.csv', throws: 'the upstream answered 502 Bad Gateway' });
    await shop.invocation(refused, ({ state }) => state === 'retrying');
    const held = await shop.invoke('invoices', { order: 4_714, gate: 'never' });
    await shop.invocation(held, ({ state }) => state === 'running');

    await using list = await browser.open(shop.url, { width: 1280, height: 880, scale: 2 });
    await list.page.locator('.row').filter({ hasText: 'Retrying' }).waitFor();
    await list.page.getByRole('button', { name: /^Discarded 1/ }).waitFor();
    await list.page.getByRole('status').getByText('Live').waitFor();
    await take(list, 'invocations');

    await using one = await browser.open(`${shop.url}/invocations/${charged}`, { width: 1280, height: 1000, scale: 2 });
    await one.page.locator('.replay .active[data-state="notified"]').waitFor();
    await one.page.locator('.lane').nth(2).waitFor();
    await take(one, 'invocation');

    await using fn = await browser.open(`${shop.url}/functions/orders`, { width: 1280, height: 600, scale: 2 });
    await fn.page.getByRole('region', { name: 'Statistics' }).locator('canvas').first().waitFor();
    await fn.page.getByRole('heading', { name: 'Versions and aliases' }).waitFor();
    await take(fn, 'function');

    await using system = await browser.open(`${shop.url}/system`, { width: 1280, height: 1000, scale: 2 });
    await system.page.getByRole('region', { name: 'Roles and instances' }).getByRole('row').nth(1).waitFor();
    await system.page.getByRole('region', { name: 'Read model' }).getByText('includes the whole log').waitFor();
    await take(system, 'system');
  });
});

describe('the page of an invocation', () => {
  test('every event is on paper, and a search of the browser finds one that is off the screen', async ({ sequent: shop, browser }) => {
    const targets = Array.from({ length: 9 }, (_, index) => `nobody-${index}`);
    // Only a function that exists can be named, and what is sent to a deleted one is a dead letter.
    await Promise.all(targets.map((name) => shop.define(name)));
    await shop.define('announces', { policy: { onSuccess: targets.map(functionDestination) } });
    await Promise.all(targets.map((name) => shop.call(`/api/functions/${name}`, { method: 'DELETE' })));
    const id = await shop.invoke('announces');
    await shop.invocation(id);
    await using watched = await browser.open(`${shop.url}/invocations/${id}`, { height: 400 });
    const { page } = watched;
    await page.getByRole('button', { name: 'all', exact: true }).click();
    await page.locator('.event-row').nth(20).waitFor({ state: 'attached' });
    expect(await page.evaluate("find('functiongraph-8')")).toBe(true);
    await page.emulateMedia({ media: 'print' });
    // The browser lays the page out for paper with the next frame.
    await expect.poll(() => page.evaluate(eventsOnPaper), { timeout: 20_000 }).toEqual({ cutOff: 0, unpainted: 0 });
  });

  test('a delivery that is still tried is given up with a note, and its invocation is settled', async ({ sequent: shop, browser }) => {
    const param = { url: `${shop.warehouse.url}/closed`, connection: 'warehouse' };
    await shop.define('closes', { policy: { onSuccess: [{ destination: 'HTTP', param }] } });
    const id = await shop.invoke('closes');
    await shop.invocation(id, ({ deliveries }) => deliveries[0]?.state === 'backingOff');
    await using watched = await browser.open(`${shop.url}/invocations/${id}`);
    const { page } = watched;
    const deliveries = page.getByRole('region', { name: 'Deliveries', exact: true });
    await deliveries.getByRole('button', { name: 'Give up…' }).click();
    const dialog = page.getByRole('dialog', { name: 'Give up the delivery' });
    await dialog.getByLabel('Note').fill('the warehouse is closed');
    expect(await watched.violations()).toEqual([]);
    await dialog.getByRole('button', { name: 'Give up the delivery' }).click();
    await page.locator('.replay .active[data-state="notified"]').waitFor();
    await deliveries.getByText('dismissed: the warehouse is closed').waitFor();
    await deliveries.getByRole('button', { name: 'Give up…' }).waitFor({ state: 'detached' });
    expect((await shop.invocation(id)).deliveries).toMatchObject([{ state: 'dismissed', reason: 'given up: the warehouse is closed' }]);
  });
});
