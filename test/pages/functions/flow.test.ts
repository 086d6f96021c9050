import type { Page } from 'playwright-core';
import { describe, expect } from 'vitest';
import type { FunctionView } from '#src/gateway/api/functions/function-schemas.ts';
import { startWebSequent } from '#test/support/web/content/web-sequent.ts';
import { overflowOf, violationsInBothThemes } from '#test/support/web/page-checks.ts';
import { pagesTest } from '#test/support/web/pages-test.ts';
import { untranslatedIn } from '#test/support/web/untranslated.ts';

const test = pagesTest(startWebSequent);

describe('the flow on the page of a function', () => {
  test('is edited, and its slots are shown', async ({ sequent, browser }) => {
    await sequent.define('orders');
    await using watched = await browser.open(`${sequent.url}/functions/orders`);
    const { page } = watched;
    watched.allow(/status of 400/);
    const card = page.getByRole('region', { name: 'Flow over all workers' });
    await page.getByRole('region', { name: 'Configuration' }).getByRole('button', { name: 'Edit…' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('Flow over all workers').click();
    await dialog.getByLabel(/^Key/).fill('$.customer');
    await dialog.getByLabel('All keys together').fill('50');
    await dialog.getByRole('button', { name: 'Save the configuration' }).click();
    await dialog.getByText('must be').first().waitFor();
    await dialog.getByLabel('At once over all workers').fill('2');
    expect(await violationsInBothThemes(watched)).toEqual([]);
    await dialog.getByRole('button', { name: 'Save the configuration' }).click();
    await card.getByText('0 / 50').waitFor();
    await expect.poll(() => card.textContent()).toContain('at once of each key $.customer');
    const { definition } = await sequent.call<FunctionView>('/api/functions/orders');
    expect(definition.flow).toEqual({ concurrency: 2, key: '$.customer', total: 50 });
    expect(await violationsInBothThemes(watched)).toEqual([]);
    await page.setViewportSize({ width: 360, height: 740 });
    expect(await overflowOf(page)).toEqual([]);
  });

  test('has a rate, which is a limit without a concurrency', async ({ sequent, browser }) => {
    await sequent.define('mails');
    await using watched = await browser.open(`${sequent.url}/functions/mails`);
    const { page } = watched;
    watched.allow(/status of 400/);
    const card = page.getByRole('region', { name: 'Flow over all workers' });
    await page.getByRole('region', { name: 'Configuration' }).getByRole('button', { name: 'Edit…' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('Flow over all workers').click();
    await dialog.getByLabel(/^Rate/).fill('often');
    await dialog.getByRole('button', { name: 'Save the configuration' }).click();
    await dialog.getByText('must be a limit and a period').waitFor();
    await dialog.getByLabel(/^Rate/).fill('100/1m:5');
    await dialog.getByRole('button', { name: 'Save the configuration' }).click();
    await card.getByText('100 start in 1m').waitFor();
    const { definition } = await sequent.call<FunctionView>('/api/functions/mails');
    expect(definition.flow).toEqual({ rate: { limit: 100, per: '1m', burst: 5 } });
    expect(await violationsInBothThemes(watched)).toEqual([]);
  });

  test('names the functions that share a pool, in Chinese too', async ({ sequent, browser }) => {
    for (const name of ['invoice', 'stock']) await sequent.define(name, { flow: { concurrency: 3, pool: 'erp' } });
    await using watched = await browser.open(`${sequent.url}/functions/invoice`, { language: 'zh-CN' });
    const { page } = watched;
    const card = page.getByRole('region', { name: '所有 worker 的流控' });
    await card.getByText('0 / 3').waitFor();
    await card.getByRole('link', { name: 'stock' }).waitFor();
    expect(await watched.violations()).toEqual([]);
  });
});

describe('a debounced group', () => {
  test('is found by its kind of wait, and its member leads to the leader, in both languages', async ({ sequent, browser }) => {
    const debounced = { key: '$.key', debounce: { wait: '1h', keep: 'last' } };
    await sequent.define('gathers', { flow: debounced });
    const member = await sequent.invoke('gathers', { key: 'a' });
    const leader = await sequent.invoke('gathers', { key: 'a' });
    for (const id of [member, leader]) await sequent.invocation(id, ({ waits_for }) => waits_for?.kind === 'debounce');
    await using chinese = await browser.open(`${sequent.url}/?wait_kind=debounce&priority=4&waits_for=gathers`, { language: 'zh-CN' });
    for (const id of [member, leader]) await chinese.page.getByRole('link', { name: id }).waitFor();
    for (const label of ['等待类型', '优先级', '等待']) await chinese.page.getByTitle(`移除筛选条件 ${label}`, { exact: true }).waitFor();
    await chinese.page.getByTitle('移除筛选条件 等待类型').click();
    await chinese.page.waitForURL((url) => !url.search.includes('wait_kind'));

    // Both requests are of one group as long as the second one came within the new wait after the first one.
    const flow = { ...debounced, debounce: { ...debounced.debounce, wait: '10s' } };
    await sequent.call('/api/functions/gathers', {
      method: 'PUT',
      headers: { 'if-match': '*' },
      body: { ...(await sequent.call<FunctionView>('/api/functions/gathers')).definition, flow },
    });
    for (const id of [member, leader]) await sequent.invocation(id);
    const overview = (page: Page) => page.locator('.properties-line');
    await using watched = await browser.open(`${sequent.url}/invocations/${member}`);
    await overview(watched.page).getByText('Leader of its debounce').waitFor();
    await overview(watched.page).getByRole('link', { name: leader }).click();
    await overview(watched.page).getByText('1 other request').waitFor();
    expect(await violationsInBothThemes(watched)).toEqual([]);
    await chinese.page.goto(`${sequent.url}/invocations/${member}`);
    await overview(chinese.page).getByText('防抖组的执行请求').waitFor();
    await overview(chinese.page).getByRole('link', { name: leader }).click();
    await overview(chinese.page).getByText('其他 1 个请求').waitFor();
    expect(await untranslatedIn(chinese.page)).toEqual([]);
  });
});
