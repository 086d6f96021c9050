import { readFile } from 'node:fs/promises';
import { describe, expect } from 'vitest';
import type { BatchView } from '#src/gateway/api/batches/batch-schemas.ts';
import { openBatchCall } from '#test/support/gateway/batch-call.ts';
import { functionDestination, startWebSequent, type WebSequent } from '#test/support/web/content/web-sequent.ts';
import { overflowOf, violationsInBothThemes } from '#test/support/web/page-checks.ts';
import { pagesTest } from '#test/support/web/pages-test.ts';

const test = pagesTest(startWebSequent);
const WITHIN = { timeout: 40_000 };
/** An attempt lasts until the test opens its gate. */
const patient = { timeoutInMs: 600_000 };

const batchOf = (sequent: WebSequent, id: string): Promise<BatchView> => sequent.call(`/api/batches/${id}`);
const pathOf = (key: string, onComplete: readonly object[] = []): string =>
  `/api/functions/orders/batches?${new URLSearchParams({ key, on_complete: JSON.stringify(onComplete) })}`;

/** Sends a batch with one member for each event. */
async function send(sequent: WebSequent, path: string, events: readonly object[]): Promise<void> {
  const body = events.map((event) => `${JSON.stringify(event)}\n`).join('');
  const response = await fetch(sequent.url + path, { method: 'POST', body });
  expect([response.status, await response.text()]).toEqual([200, expect.stringContaining(`"accepted":${events.length}`)]);
}

test.beforeAll(async ({ sequent }) => {
  for (const name of ['orders', 'told']) await sequent.define(name, patient);
});

describe('the pages of batches', () => {
  test('lead from the list to a batch, which is cancelled, told and redriven', async ({ sequent, browser }) => {
    await using watched = await browser.open(`${sequent.url}/batches`);
    const { page } = watched;
    await page.getByText('sequent invoke <function> --batch').waitFor();
    await send(sequent, pathOf('import', [functionDestination('told')]), [{}, {}, { throws: 'no stock' }, { gate: 'shut' }]);
    const row = page.getByRole('row').filter({ hasText: 'import' });
    await expect.poll(() => row.textContent(), WITHIN).toMatch(/import.*orders.*Sealed.*3 of 4 over/);
    expect(await violationsInBothThemes(watched)).toEqual([]);
    await page.setViewportSize({ width: 360, height: 740 });
    expect(await overflowOf(page)).toEqual([]);
    await page.setViewportSize({ width: 1_280, height: 900 });
    await row.getByRole('link', { name: 'import' }).click();

    const progress = page.getByRole('region', { name: 'Progress' });
    await progress.getByRole('img', { name: '3 of 4 over' }).waitFor();
    await expect
      .poll(() => progress.getByRole('listitem').allTextContents())
      .toEqual(expect.arrayContaining(['Succeeded2', 'Failed1', 'Running1']));
    await page.getByRole('region', { name: 'Destinations of the batch' }).getByText('function:default:told').waitFor();
    expect(await violationsInBothThemes(watched)).toEqual([]);
    await page.setViewportSize({ width: 360, height: 740 });
    expect(await overflowOf(page)).toEqual([]);
    await page.setViewportSize({ width: 1_280, height: 900 });

    await page.getByRole('button', { name: 'Cancel…' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Reason').fill('wrong file');
    expect(await violationsInBothThemes(watched)).toEqual([]);
    await dialog.getByRole('button', { name: 'Cancel the batch' }).click();
    await progress.getByRole('img', { name: '4 of 4 over' }).waitFor();
    await page.getByRole('region', { name: 'Deliveries' }).getByText('Delivered').waitFor();
    await page.getByTitle('All members are over, and every delivery is settled').waitFor();
    await page.getByRole('button', { name: 'Cancel…' }).waitFor({ state: 'detached' });

    await page.getByRole('button', { name: 'Redrive failed…' }).click();
    await dialog.getByRole('button', { name: 'Redrive the failed members' }).click();
    await page.getByRole('link', { name: 'import', exact: true }).waitFor();
    expect(new URL(page.url()).pathname).not.toBe('/batches/import');
    await progress.getByRole('img', { name: '1 of 2 over' }).waitFor();
    await sequent.openGate('shut');
    await progress.getByRole('img', { name: '2 of 2 over' }).waitFor();
  });

  test('offer the results as JSON lines, and the list of the members', async ({ sequent, browser }) => {
    await send(sequent, pathOf('export'), [{ returns: 'one' }, { returns: 'two' }]);
    await using watched = await browser.open(`${sequent.url}/batches/export`);
    const { page } = watched;
    await page.getByRole('img', { name: '2 of 2 over' }).waitFor();
    const downloading = page.waitForEvent('download');
    await page.getByRole('link', { name: 'Results' }).click();
    const download = await downloading;
    expect(download.suggestedFilename()).toBe('export.jsonl');
    const lines = (await readFile(await download.path(), 'utf8')).trimEnd().split('\n');
    expect(lines.map((line) => (JSON.parse(line) as { response: string }).response).sort()).toEqual(['one', 'two']);
    await page.getByRole('link', { name: 'Its invocations' }).click();
    await page.getByTitle('Remove the filter batch').waitFor();
    await page.getByRole('link', { name: 'export-1' }).click();
    await page.getByRole('link', { name: 'export', exact: true }).click();
    await page.getByRole('heading', { level: 1, name: 'export' }).waitFor();
  });

  test('seal a batch whose sender is gone; an unknown batch leads to the list', async ({ sequent, browser }) => {
    const call = openBatchCall(sequent.url + pathOf('halted'));
    call.write('{}\n');
    await call.linesUntil(({ type }) => type === 'accepted');
    call.abort();
    await using watched = await browser.open(`${sequent.url}/batches/halted`);
    const { page } = watched;
    watched.allow(/status of 404/);
    await page.getByTitle('Further members may follow').waitFor();
    await page.getByRole('button', { name: 'Seal…' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Seal the batch' }).click();
    await page.getByTitle('All members are over, and every delivery is settled').waitFor();
    expect((await batchOf(sequent, 'halted')).state).toBe('notified');
    await page.goto(`${sequent.url}/batches/nothing`);
    await page.getByText('There is no such batch').waitFor();
    expect(await violationsInBothThemes(watched)).toEqual([]);
    await page.getByRole('link', { name: 'All batches' }).click();
    await page.getByRole('heading', { level: 1, name: 'Batches' }).waitFor();
  });

  test('are in Chinese for a browser that prefers Chinese', async ({ sequent, browser }) => {
    await send(sequent, pathOf('chinese'), [{}]);
    await using watched = await browser.open(`${sequent.url}/batches`, { language: 'zh-CN' });
    const { page } = watched;
    await page.getByRole('heading', { name: '批次', exact: true }).waitFor();
    await page.getByRole('link', { name: 'chinese' }).click();
    await page.getByRole('img', { name: '1 个中 1 个已结束' }).waitFor();
    await page.getByTitle('成员已全部结束，通知均已完结').waitFor();
  });
});
