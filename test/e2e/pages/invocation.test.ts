import type { Page } from 'playwright-core';
import { describe, expect } from 'vitest';
import type { EventView } from '#src/gateway/api/invocations/invocation-schemas.ts';
import type { Theme } from '#test/support/web/browser.ts';
import { openShop } from '#test/support/web/content/shop.ts';
import { overflowOf, violationsInBothThemes } from '#test/support/web/page-checks.ts';
import { pagesTest } from '#test/support/web/pages-test.ts';

/** An order whose third attempt succeeded, and that the second try delivered to the warehouse. */
let charged: string;
let declined: string;
/** Its delivery is dead. */
let refunded: string;
const test = pagesTest(openShop).extend(
  'address',
  ({ sequent }) =>
    (id: string, query = '') =>
      `${sequent.url}/invocations/${id}${query}`,
);
test.beforeAll(async ({ sequent: shop }) => {
  const ids = await Promise.all([
    shop.invoke('orders', { order: 4_711, token: 'tok_4711', fails: 2, prints: 'charging order 4711', returns: { charged: 124 } }),
    shop.invoke('orders', { order: 4_712, throws: 'card declined' }),
    shop.invoke('returns', { order: 4_700, prints: '\u0000\u0001\u0002\u0003' }),
  ]);
  [charged = '', declined = '', refunded = ''] = ids;
  await Promise.all(ids.map((id) => shop.invocation(id)));
});

const active = (page: Page, state: string) => page.locator(`.replay [data-state="${state}"].active`);
const card = (page: Page, name: string) => page.getByRole('region', { name, exact: true });
const position = (page: Page) => page.locator('.scrubber-position');

/** A script that runs in the page and records each state that becomes active, also one that is active only for a moment. */
const recordActiveStates = `
  window.activeStates = [];
  new MutationObserver(() => {
    const state = document.querySelector('.replay [data-state].active')?.dataset.state;
    if (state !== undefined && state !== activeStates.at(-1)) activeStates.push(state);
  }).observe(document.querySelector('.replay'), { attributes: true, childList: true, subtree: true });
`;
/** A script that runs in the page and presses two keys when the events are shown for the first time. */
const pressAtOnce = `
  const press = (key) => document.body.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));
  new MutationObserver((_, observer) => {
    if (document.querySelector('.replay') === null) return;
    observer.disconnect();
    press('ArrowLeft');
    press('r');
    new MutationObserver(() => {
      window.wasOpen ??= document.querySelector('dialog')?.open;
    }).observe(document, { childList: true, subtree: true });
  }).observe(document, { childList: true, subtree: true });
`;

describe('the page of an invocation', () => {
  test('slider, keys, drawing, list, details and address select the same event', async ({ sequent: shop, browser, address }) => {
    await using watched = await browser.open(address(charged));
    const { page } = watched;
    await active(page, 'notified').waitFor();
    const { events } = await shop.call<{ events: EventView[] }>(`/api/invocations/${charged}/events`);
    const nameOf = (index: number) => String(events[index]?.sequence);
    const expectShown = async (index: number) => {
      await position(page)
        .getByText(`${index + 1} / ${events.length}`)
        .waitFor();
      await active(page, events[index]?.state_after ?? '').waitFor();
      await expect.poll(() => new URL(page.url()).searchParams.get('event')).toContain(nameOf(index));
      await card(page, 'Event')
        .getByRole('heading', { name: events[index]?.type ?? '' })
        .waitFor();
    };
    expect(events.slice(0, 3).map(({ type }) => type)).toEqual(['queued', 'running', 'retrying']);

    await page.getByRole('slider', { name: 'Event' }).fill('2');
    await expectShown(2);
    await page.locator('body').press('ArrowLeft');
    await expectShown(1);
    await page.locator('body').press('ArrowRight');
    await page.locator('body').press('ArrowRight');
    await expectShown(3);
    await page.getByRole('button', { name: /^attempt 1 .*: failed after/ }).click();
    await expectShown(2);
    await page.locator('.event-row[aria-pressed="true"]').filter({ hasText: 'attempt 1' }).waitFor();
    await page.locator('.replay [data-state="queued"]').click();
    await expectShown(0);
    // The address alone selects the event.
    await page.goto(address(charged, `?event=${nameOf(2)}`));
    await expectShown(2);
    await page.locator('body').press('Escape');
    await active(page, 'notified').waitFor();
    await page.waitForURL(address(charged));
  });

  test('a key takes effect from the moment at which the page is shown, and a dialog opens at once', async ({ browser, address }) => {
    await using watched = await browser.open(address(refunded));
    const { page } = watched;
    await page.addInitScript(pressAtOnce);
    await page.goto(address(refunded));
    await page.getByRole('dialog', { name: 'Redrive the invocation' }).waitFor();
    expect(await page.evaluate('window.wasOpen')).toBe(true);
    await page.waitForURL(/event=/);
  });

  test('the replay steps through the machine from the first event to the last', async ({ sequent: shop, browser, address }) => {
    const id = await shop.invoke('invoices');
    await shop.invocation(id);
    await using watched = await browser.open(address(id));
    const { page } = watched;
    await active(page, 'notified').waitFor();
    await page.evaluate(recordActiveStates);
    await page.getByRole('button', { name: 'Replay' }).click();
    await expect.poll(() => page.evaluate('window.activeStates')).toEqual(['queued', 'running', 'succeeded', 'notified']);
    await page.getByRole('button', { name: 'Replay', exact: true }).waitFor();
  });

  test('the timeline shows attempts as bars, waits hatched, and each delivery in its own lane', async ({ browser, address }) => {
    await using watched = await browser.open(address(charged));
    const { page } = watched;
    const lane = (name: string) => page.locator('.lane').filter({ has: page.locator('.lane-name', { hasText: name }) });
    await lane('Execution').locator('.bar.attempt.tone-succeeded').waitFor();
    for (const [name, bar, count] of [
      ['Execution', '.bar.attempt.tone-failed', 2],
      ['Execution', '.bar.wait.tone-retrying', 2],
      ['http-0', '.bar.delivery', 2],
      ['functiongraph-1', '.bar.delivery.tone-succeeded', 1],
    ] as const)
      await expect.poll(() => lane(name).locator(bar).count()).toBe(count);
    await page.getByRole('button', { name: 'absolute' }).click();
    await page
      .locator('.tick')
      .first()
      .getByText(/^\d\d:\d\d:\d\d\.\d{3}$/)
      .waitFor();
  });

  test('events are listed in a line for each attempt, in a line for each event, and as stored', async ({
    sequent: shop,
    browser,
    address,
  }) => {
    await using watched = await browser.open(address(declined));
    const { page } = watched;
    const rows = page.locator('.event-row');
    await rows.filter({ hasText: 'attempt 4' }).waitFor();
    const compact = await rows.count();
    await page.getByRole('button', { name: 'all', exact: true }).click();
    const { events } = await shop.call<{ events: EventView[] }>(`/api/invocations/${declined}/events`);
    expect(compact).toBeLessThan(events.length);
    await expect.poll(() => rows.count()).toBe(events.length);
    await page.getByRole('button', { name: 'JSON', exact: true }).click();
    const stored = JSON.parse((await page.getByRole('group', { name: 'The events as JSON' }).textContent()) ?? '');
    expect(stored).toEqual(events.map(({ sequence, by, fact }) => ({ sequence, by, fact })));
  });

  test('the error with its stack, the output of attempts and the explanation are shown', async ({ browser, address }) => {
    await using watched = await browser.open(address(declined));
    const { page } = watched;
    await page.locator('.verdict').getByText('RangeError card declined · after 4 attempts').waitFor();
    await card(page, 'Error')
      .getByText(/at handler/)
      .waitFor();
    await card(page, 'Explanation').getByText('It failed (UnhandledInvocationError): all of its 3 retries are used.').waitFor();
    await page.goto(address(charged));
    const output = card(page, 'Output');
    await output.getByText('Attempt 1').click();
    for (const attempt of [1, 3])
      await output
        .getByRole('group', { name: `the output of attempt ${attempt}` })
        .getByText('charging order 4711')
        .waitFor();
    expect(await output.getByRole('group', { name: 'the output of attempt 2' }).count()).toBe(0);
  });

  test('secrets are masked, copied payloads are complete, and bytes are shown in hexadecimal', async ({ browser, address }) => {
    await using watched = await browser.open(address(charged));
    const { page } = watched;
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    const request = card(page, 'Request');
    await request.getByText('"••••••"').waitFor();
    expect(await request.locator('pre').textContent()).not.toContain('tok_4711');
    await request.getByRole('button', { name: 'Copy the request payload' }).click();
    await page.getByText('Copied the request payload').waitFor();
    expect(JSON.parse(await page.evaluate<string>('navigator.clipboard.readText()'))).toMatchObject({ order: 4_711, token: 'tok_4711' });
    await request.getByRole('button', { name: 'Reveal secrets' }).click();
    await request.getByText('"tok_4711"').waitFor();
    await page.goto(address(refunded));
    await card(page, 'Output').getByText('00 01 02 03').waitFor();
  });

  test('the time until the next attempt counts down', async ({ sequent: shop, browser, address }) => {
    await shop.define('patient', { policy: { maxRetries: 1, backoff: { initialInMs: 600_000, factor: 1, maxInMs: 600_000, jitter: 0 } } });
    const id = await shop.invoke('patient', { throws: 'not yet' });
    await shop.invocation(id, ({ state }) => state === 'retrying');
    await using watched = await browser.open(address(id));
    const countdown = watched.page.locator('.verdict .countdown');
    const before = await countdown.textContent();
    expect(before).toMatch(/^due in \d+ min/);
    await countdown.filter({ hasNotText: before ?? '' }).waitFor();
  });
});

describe('on the page of an invocation', () => {
  test('an invocation is redriven with another payload, and both pages link to each other', async ({ browser, address }) => {
    await using watched = await browser.open(address(declined));
    const { page } = watched;
    await active(page, 'notified').waitFor();
    await page.locator('body').press('r');
    const dialog = page.getByRole('dialog', { name: 'Redrive the invocation' });
    await dialog.getByRole('textbox').fill('{"order": 4712,');
    await dialog.getByText('not JSON').waitFor();
    await expect.poll(() => dialog.getByRole('button', { name: 'Redrive', exact: true }).isDisabled()).toBe(true);
    await dialog.getByRole('textbox').fill('{"order": 4712, "returns": "charged"}');
    await dialog.getByRole('button', { name: 'Redrive', exact: true }).click();
    await dialog.getByRole('link').click();
    await page.getByText('Redrive of', { exact: true }).waitFor();
    await active(page, 'notified').waitFor();
    await card(page, 'Request').getByText('"charged"').waitFor();
    await page.locator('.properties-line').getByRole('link', { name: declined }).click();
    await page.getByText('Redriven as', { exact: true }).waitFor();
    // The invocation, that of its failure destination, and the redrive.
    await card(page, 'Lineage').getByText('3 invocations').waitFor();
  });

  test('a running invocation is cancelled', async ({ sequent: shop, browser, address }) => {
    const id = await shop.invoke('invoices', { gate: 'never' });
    await using watched = await browser.open(address(id));
    const { page } = watched;
    await active(page, 'running').waitFor();
    await page.getByRole('button', { name: 'Cancel…' }).click();
    await page.getByRole('button', { name: 'Cancel the invocation' }).click();
    await active(page, 'notified').waitFor();
    await page.locator('.verdict').getByText('InvocationCanceled').waitFor();
    expect(await shop.invocation(id)).toMatchObject({ condition: 'InvocationCanceled', status: 'FAIL' });
    await page.getByRole('button', { name: 'Cancel…' }).waitFor({ state: 'detached' });
  });

  test('a dead delivery is tried again', async ({ sequent: shop, browser, address }) => {
    await using watched = await browser.open(address(refunded));
    const { page } = watched;
    await page.locator('.verdict').getByText('The delivery to http-0 is dead').waitFor();
    const tries = () => page.locator('.bar.delivery').count();
    // A delivery is at least once: on a busy machine, another try may precede the one that found the target gone.
    const before = (await shop.invocation(refunded)).deliveries[0]?.tries ?? 0;
    expect(before).toBeGreaterThan(0);
    await expect.poll(tries).toBe(before);
    await page.locator('.verdict').getByRole('button', { name: 'Deliver again…' }).click();
    await page.getByRole('button', { name: 'Deliver again', exact: true }).click();
    await expect.poll(tries).toBeGreaterThan(before);
  });

  test('the same invocation is copied as command, curl call and code', async ({ sequent: shop, browser, address }) => {
    await using watched = await browser.open(address(charged));
    const { page } = watched;
    await page.getByRole('button', { name: 'Copy as…' }).click();
    const dialog = page.getByRole('dialog', { name: 'Copy as' });
    const invoking = (name: string) => dialog.locator('.payload').filter({ hasText: 'invoke again' }).filter({ hasText: name });
    await invoking('sequent invoke orders').waitFor();
    await dialog.getByRole('button', { name: 'SDK' }).click();
    await invoking('client.invoke("orders"').waitFor();
    await dialog.getByRole('button', { name: 'curl' }).click();
    const command = (await invoking('curl').locator('pre').textContent()) ?? '';
    expect(command).toContain(`${shop.url}/api/functions/orders/invocations`);
  });
});

describe.each<Theme>(['light', 'dark'])('in %s', (theme) => {
  test('axe finds nothing on the page of an invocation, and nothing is cut off at 360 px', async ({ browser, address }) => {
    for (const path of [address(charged), address(declined), address(refunded)]) {
      await using watched = await browser.open(path, { theme });
      await active(watched.page, 'notified').waitFor();
      await card(watched.page, 'Explanation').getByRole('listitem').first().waitFor();
      // With every expandable part open. The drawing of the delivery moves the events, so the keyboard chooses one.
      await watched.page.locator('.delivery-choices button').first().click();
      await watched.page.locator('.delivery-machines .chart-frame').waitFor();
      await watched.page.locator('.event-row').last().press('Enter');
      await card(watched.page, 'Event').waitFor();
      expect(await watched.violations()).toEqual([]);
    }
    await using narrow = await browser.open(address(declined), { theme, width: 360, height: 740 });
    await active(narrow.page, 'notified').waitFor();
    expect(await narrow.violations()).toEqual([]);
    expect(await narrow.page.evaluate('document.documentElement.scrollWidth')).toBe(360);
    await narrow.page.locator('body').press('r');
    await narrow.page.getByRole('dialog').waitFor();
    expect(await narrow.violations()).toEqual([]);
  });
});

describe('the pages in Chinese', () => {
  test('are shown to a browser that prefers Chinese, until its user chooses English', async ({ browser, address }) => {
    await using watched = await browser.open(address(declined), { language: 'zh-CN' });
    const { page } = watched;
    const language = () => page.evaluate<string>('document.documentElement.lang');
    await card(page, '异步配置').getByText('失效时通知').waitFor();
    await page.getByRole('button', { name: /^第 4 次执行 ·.*后失败/ }).waitFor();
    expect(await language()).toBe('zh-CN');
    expect(await violationsInBothThemes(watched)).toEqual([]);
    await page.setViewportSize({ width: 360, height: 900 });
    expect(await overflowOf(page)).toEqual([]);
    await page.getByRole('button', { name: 'English' }).click();
    await card(page, 'Terms').waitFor();
    expect(await language()).toBe('en');
    await page.reload();
    await card(page, 'Terms').waitFor();
    expect(await language()).toBe('en');
  });
});
