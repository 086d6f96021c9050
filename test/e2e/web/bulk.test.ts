import type { Page } from 'playwright-core';
import { describe, expect } from 'vitest';
import type { BulkOperationView } from '#src/gateway/api/schemas/bulk-operations.ts';
import { row } from '#test/support/web/invocation-list.ts';
import { violationsInBothThemes } from '#test/support/web/page-checks.ts';
import { pagesTest } from '#test/support/web/pages-test.ts';
import { startWebSequent } from '#test/support/web/web-sequent.ts';

// Without a janitor, a purge stays where an abort is possible.
const test = pagesTest(() => startWebSequent({ isGatewaySeparate: true }));

const operationRow = (page: Page, text: RegExp) =>
  page.getByRole('region', { name: 'Bulk operations' }).first().getByRole('row').filter({ hasText: text });

describe('a bulk operation of the page', () => {
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
    await page.getByText('npx sequent serve --role janitor').waitFor();
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
