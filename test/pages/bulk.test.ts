import type { Page } from 'playwright-core';
import { describe, expect } from 'vitest';
import type { InvocationRow } from '#src/gateway/api/invocations/invocation-schemas.ts';
import type { BulkOperationView } from '#src/gateway/api/repair/bulk-operation-schemas.ts';
import type { SystemView } from '#src/gateway/api/system/system-schemas.ts';
import { until } from '#test/support/conformance/until.ts';
import { startWebSequent, type WebSequent } from '#test/support/web/content/web-sequent.ts';
import { row, rows } from '#test/support/web/invocation-list.ts';
import { violationsInBothThemes } from '#test/support/web/page-checks.ts';
import { pagesTest } from '#test/support/web/pages-test.ts';

// Without a janitor, a purge stays where an abort is possible.
const test = pagesTest(() => startWebSequent({ isGatewaySeparate: true }));

/** An operation looks for an abort after each part of 50 invocations: these are two parts and a rest. */
const MANY = 101;

const listed = async (sequent: WebSequent, query: string): Promise<InvocationRow[]> =>
  (await sequent.call<{ invocations: InvocationRow[] }>(`/api/invocations?limit=500&${query}`)).invocations;
const newestOperation = async (sequent: WebSequent): Promise<BulkOperationView | undefined> =>
  (await sequent.call<{ operations: BulkOperationView[] }>('/api/bulk')).operations[0];
/** Resolves when the gateway applies the quota. */
const limitRate = async (sequent: WebSequent, { rate, burst }: { rate: number; burst: number }): Promise<void> => {
  expect((await sequent.run(['project', 'quota', 'default', '--rate', `${rate}`, '--burst', `${burst}`])).code).toBe(0);
  await until(`the rate is ${rate}`, async () => {
    const { quotas } = await sequent.call<SystemView>('/api/system');
    return quotas.some(({ quota, limit }) => quota === 'rate' && limit === rate) || undefined;
  });
};
const operationRow = (page: Page, text: RegExp) =>
  page.getByRole('region', { name: 'Bulk operations' }).first().getByRole('row').filter({ hasText: text });

describe('a bulk operation of the page', () => {
  test('shows its progress and its invocations, and keeps what it did when it is aborted', async ({ sequent, browser }) => {
    await sequent.define('many');
    await sequent.call('/api/functions/many/pause', { method: 'POST' });
    const events = Array.from({ length: MANY }, (_, index) => ({ index }));
    await sequent.call('/api/functions/many/invocations?batch', { method: 'POST', body: events });
    await until('the list shows all', async () => (await listed(sequent, 'function=many')).length === MANY || undefined);
    await using watched = await browser.open(`${sequent.url}/?function=many`);
    const { page } = watched;
    await page.getByRole('button', { name: 'Cancel in bulk…' }).click();
    await page.getByRole('button', { name: `Cancel ${MANY}` }).click();
    await page.getByText(`${MANY} cancelled.`).waitFor();
    await page.getByText(`${MANY} of ${MANY}`).waitFor();
    expect(await watched.violations()).toEqual([]);
    await page.getByRole('link', { name: 'Show its invocations' }).click();
    await page
      .getByTitle('Remove the filter condition')
      .or(page.getByRole('combobox', { name: 'Condition' }))
      .first()
      .waitFor();
    expect(new URL(page.url()).searchParams.get('condition')).toBe('InvocationCanceled');
    const canceled = 'function=many&condition=InvocationCanceled';
    await until('the list has all outcomes', async () => (await listed(sequent, canceled)).length === MANY || undefined);

    // The first part passes at once. The second one, at one a second, does not end before the abort.
    await limitRate(sequent, { rate: 1, burst: 50 });
    await page.getByRole('button', { name: 'Redrive in bulk…' }).click();
    await page.getByRole('button', { name: `Redrive ${MANY}` }).click();
    await page.getByText('50 redriven so far…').waitFor();
    await page.getByText(`50 of ${MANY}`).waitFor();
    const isAborted = page.waitForResponse(/\/abort$/);
    await page.getByRole('button', { name: 'Abort' }).click();
    expect((await isAborted).status()).toBe(202);
    await limitRate(sequent, { rate: 1_000, burst: 1_000 });
    await page.getByText('The operation was aborted.').waitFor();
    expect(await newestOperation(sequent)).toMatchObject({ action: 'redrive', state: 'aborted', done: 100, total: MANY });
    await page.getByText('100 redriven.').waitFor();
    await page.getByText(`100 of ${MANY}`).waitFor();
    await expect.poll(async () => (await listed(sequent, 'function=many&state=queued')).length, { timeout: 30_000 }).toBe(100);
    await page.getByRole('link', { name: 'Show it on the page System' }).click();
    await expect.poll(() => operationRow(page, /^redrive/).textContent()).toMatch(new RegExp(`aborted.*100 of ${MANY}`));
    expect(await watched.violations()).toEqual([]);
    await operationRow(page, /^redrive/)
      .getByRole('link', { name: 'Show its invocations' })
      .click();
    await rows(page).first().waitFor();
  });

  test('a purge says that a janitor is missing, and is aborted on the page System before anything is erased', async ({
    sequent,
    browser,
  }) => {
    await sequent.define('kept');
    const id = await sequent.invoke('kept');
    await sequent.invocation(id);
    await using watched = await browser.open(`${sequent.url}/?function=kept`);
    const { page } = watched;
    await page.getByRole('button', { name: 'Purge…' }).click();
    await page.getByRole('button', { name: 'Count them' }).click();
    await page.getByText('sequent serve --role janitor').waitFor();
    expect(await page.getByRole('button', { name: 'Erase …' }).isDisabled()).toBe(true);
    expect(await violationsInBothThemes(watched)).toEqual([]);
    const body = { action: 'purge', filter: { function: 'kept', to: Date.now() + 60_000 }, reason: 'request 4711' };
    const purge = await sequent.call<BulkOperationView>('/api/bulk', { method: 'POST', body });
    await page.goto(`${sequent.url}/system`);
    const purges = operationRow(page, /^purge/);
    await expect.poll(() => purges.textContent()).toMatch(/function kept.*because: request 4711.*searching/);
    await purges.getByRole('button', { name: 'Abort' }).click();
    await purges.getByText('aborted').waitFor();
    expect(await sequent.call(`/api/bulk/${purge.id}`)).toMatchObject({ state: 'aborted', done: 0 });
    await page.goto(`${sequent.url}/?function=kept`);
    await row(page, id).waitFor();
  });
});
