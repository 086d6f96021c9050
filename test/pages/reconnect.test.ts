import type { Page } from 'playwright-core';
import { describe, expect } from 'vitest';
import type { EventView } from '#src/gateway/api/invocations/invocation-schemas.ts';
import { startWebSequent } from '#test/support/web/content/web-sequent.ts';
import { pagesTest } from '#test/support/web/pages-test.ts';

const test = pagesTest(() => startWebSequent({ isGatewaySeparate: true }));
test.beforeAll(async ({ sequent }) => {
  const backoff = { initialInMs: 1, factor: 1, maxInMs: 1, jitter: 0 };
  await sequent.define('steps', { policy: { maxRetries: 3, backoff } });
});

const status = (page: Page, word: string) => page.getByRole('status').getByText(word, { exact: true }).waitFor();
/** The browser's complaints while the gateway is stopped. */
const unreachable = /ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_EMPTY_RESPONSE|ERR_CONNECTION_RESET/;

describe('when the gateway is stopped and started again', () => {
  test('the page of an invocation shows each event once, including those of the time between', async ({ sequent, browser }) => {
    const id = await sequent.invoke('steps', { gate: 'first', fails: 3 });
    await using watched = await browser.open(`${sequent.url}/invocations/${id}`);
    watched.allow(unreachable);
    const { page } = watched;
    await page.getByRole('button', { name: 'all', exact: true }).click();
    await page.locator('.replay [data-state="running"].active').waitFor();
    await status(page, 'Live');
    await sequent.stopGateway();
    await status(page, 'Reconnecting');
    // Three attempts fail and the fourth succeeds while no gateway can report them.
    await sequent.openGate('first');
    await sequent.startGateway();
    await page.locator('.replay [data-state="notified"].active').waitFor();
    const { events } = await sequent.call<{ events: EventView[] }>(`/api/invocations/${id}/events`);
    expect(events.map(({ type }) => type).join(' ')).toBe(
      'queued running retrying running retrying running retrying running succeeded notified',
    );
    await expect.poll(() => page.locator('.event-row .event-type').allTextContents()).toEqual(events.map(({ type }) => type));
  });

  test('the page of an invocation without new events shows no problem afterwards', async ({ sequent, browser }) => {
    const id = await sequent.invoke('steps', { gate: 'never' });
    await using watched = await browser.open(`${sequent.url}/invocations/${id}`);
    watched.allow(unreachable);
    const { page } = watched;
    await status(page, 'Live');
    await sequent.stopGateway();
    // The explanation may report the outage too.
    await page.getByRole('alert').getByText('No connection').first().waitFor();
    await status(page, 'Reconnecting');
    await sequent.startGateway();
    await status(page, 'Live');
    await expect.poll(() => page.getByRole('alert').count()).toBe(0);
    await page.locator('.replay [data-state="running"].active').waitFor();
  });

  test('the list shows each invocation once, including those of the time between', async ({ sequent, browser }) => {
    const before = await sequent.invoke('steps', { gate: 'second' });
    await using watched = await browser.open(sequent.url);
    watched.allow(unreachable);
    const { page } = watched;
    const row = (id: string) => page.locator(`.table-body .row[data-id="${id}"]`);
    await row(before).getByText('Running').waitFor();
    await status(page, 'Live');
    await sequent.stopGateway();
    await status(page, 'Reconnecting');
    const { stdout } = await sequent.run(['invoke', 'steps', '-d', '{}']);
    await sequent.openGate('second');
    await sequent.startGateway();
    await row(before).getByText('Succeeded').waitFor();
    await page.getByRole('button', { name: /new invocations/ }).click();
    await row(stdout.trim()).getByText('Succeeded').waitFor();
    await status(page, 'Live');
    // The list follows new invocations again.
    const after = await sequent.invoke('steps');
    await page.getByRole('button', { name: /new invocations/ }).click();
    await row(after).getByText('Succeeded').waitFor();
    const shown = await page.locator('.table-body .row').evaluateAll((rows) => rows.map((row) => row.getAttribute('data-id')));
    expect(new Set(shown).size).toBe(shown.length);
    expect(shown.slice(0, 3)).toEqual([after, stdout.trim(), before]);
  });
});
