import { describe, expect } from 'vitest';
import type { ScheduleView } from '#src/gateway/api/schedules/schedule-schemas.ts';
import { startWebSequent, type WebSequent } from '#test/support/web/content/web-sequent.ts';
import { overflowOf, violationsInBothThemes } from '#test/support/web/page-checks.ts';
import { pagesTest } from '#test/support/web/pages-test.ts';

const test = pagesTest(startWebSequent);

/** No fire time of these schedules comes while the tests run. */
const yearly = { cron: '0 3 1 1 *', time_zone: 'Europe/Berlin', function: 'report' };
const scheduleOf = (sequent: WebSequent, name: string): Promise<ScheduleView> => sequent.call(`/api/schedules/${name}`);
const put = (sequent: WebSequent, name: string, body: object): Promise<ScheduleView> =>
  sequent.call(`/api/schedules/${name}`, { method: 'PUT', body });

test.beforeAll(async ({ sequent }) => {
  await sequent.define('report');
});

describe('the page of schedules', () => {
  test('an empty page leads to a form, whose schedule is listed with its next fire times', async ({ sequent, browser }) => {
    await using watched = await browser.open(`${sequent.url}/schedules`);
    const { page } = watched;
    watched.allow(/status of 400/);
    await page.getByText('sequent schedule put nightly').waitFor();
    await page.getByRole('button', { name: 'New schedule…' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Name of the schedule').fill('yearly');
    await dialog.getByLabel('Cron expression').fill('0 3 1 1 8');
    await dialog.getByLabel('Time zone').fill('Europe/Berlin');
    await dialog.getByLabel('Function of the schedule').fill('report');
    await dialog.getByLabel('Event').fill('{"year":1}');
    await dialog.getByLabel('Overlap').selectOption('cancel');
    await dialog.getByLabel('Jitter of the fire times').fill('soon');
    await dialog.getByText('not a duration').waitFor();
    await dialog.getByLabel('Jitter of the fire times').fill('0s');
    expect(await violationsInBothThemes(watched)).toEqual([]);
    await dialog.getByRole('button', { name: 'Save the schedule' }).click();
    await dialog.getByRole('alert').filter({ hasText: 'is not valid' }).waitFor();
    await dialog.getByLabel('Cron expression').fill(yearly.cron);
    await dialog.getByRole('button', { name: 'Save the schedule' }).click();
    const row = page.getByRole('row').filter({ hasText: 'yearly' });
    await row.getByText('Europe/Berlin').waitFor();
    await expect.poll(() => row.getByRole('listitem').allTextContents()).toHaveLength(3);
    const stored = await scheduleOf(sequent, 'yearly');
    expect(stored).toMatchObject({ ...yearly, event: { year: 1 }, overlap: 'cancel', catch_up_ms: 86_400_000, jitter_ms: 0 });
    const first = new Date(stored.next[0]?.due_at ?? 0).toISOString().slice(0, 19).replace('T', ' ');
    await expect.poll(() => row.textContent()).toContain(first);
    expect(await violationsInBothThemes(watched)).toEqual([]);
    await page.setViewportSize({ width: 360, height: 740 });
    expect(await overflowOf(page)).toEqual([]);
  });

  test('a schedule is edited, paused, resumed and deleted', async ({ sequent, browser }) => {
    await put(sequent, 'nightly', { ...yearly, event: { n: 1 }, jitter_ms: 30_000, description: 'the night' });
    await using watched = await browser.open(`${sequent.url}/schedules`);
    const { page } = watched;
    const row = page.getByRole('row').filter({ hasText: 'nightly' });
    await row.getByRole('button', { name: 'Edit nightly' }).click();
    const dialog = page.getByRole('dialog');
    await expect.poll(() => dialog.getByLabel('Jitter of the fire times').inputValue()).toBe('30s');
    await dialog.getByLabel('Catch-up window').fill('2h');
    await dialog.getByLabel('Event').fill('{"n":9007199254740993}');
    await dialog.getByRole('button', { name: 'Save the schedule' }).click();
    await page.getByText('The schedule nightly is saved').waitFor();
    const unchanged = { event_text: '{"n":9007199254740993}', jitter_ms: 30_000, description: 'the night' };
    expect(await scheduleOf(sequent, 'nightly')).toMatchObject({ ...unchanged, catch_up_ms: 7_200_000 });
    await row.getByRole('button', { name: 'Pause nightly' }).click();
    await row.getByText('Paused').waitFor();
    expect((await scheduleOf(sequent, 'nightly')).paused).toBe(true);
    await row.getByRole('button', { name: 'Resume nightly' }).click();
    await row.getByRole('listitem').first().waitFor();
    await row.getByRole('button', { name: 'Delete nightly' }).click();
    await dialog.getByRole('button', { name: 'Delete the schedule' }).click();
    await row.waitFor({ state: 'detached' });
  });

  test('a run opens its invocation, which names the schedule; the list shows those of the schedule', async ({ sequent, browser }) => {
    await put(sequent, 'often', yearly);
    const other = await sequent.invoke('report');
    await sequent.invocation(other);
    await using watched = await browser.open(`${sequent.url}/schedules`);
    const { page } = watched;
    await page.getByRole('button', { name: 'Run now: often' }).click();
    await page.waitForURL(/\/invocations\//);
    const id = new URL(page.url()).pathname.split('/')[2] ?? '';
    await sequent.invocation(id);
    await page.getByRole('link', { name: 'often', exact: true }).click();
    await page.getByTitle('Remove the filter schedule').waitFor();
    await expect.poll(() => page.getByRole('link', { name: id }).count(), { timeout: 40_000 }).toBe(1);
    expect(await page.getByRole('link', { name: other }).count()).toBe(0);
  });

  test('the page is in Chinese for a browser that prefers Chinese', async ({ sequent, browser }) => {
    await put(sequent, 'often', yearly);
    await using watched = await browser.open(`${sequent.url}/schedules`, { language: 'zh-CN' });
    await watched.page.getByRole('heading', { name: '定时计划', exact: true }).waitFor();
    await watched.page.getByRole('button', { name: '立即执行：often' }).waitFor();
    await watched.page.getByRole('columnheader', { name: '下次触发时间' }).waitFor();
    await watched.page.getByRole('button', { name: '编辑 often' }).click();
    await watched.page.getByLabel('重叠策略').selectOption({ label: '取消前一次调用后触发' });
    expect(await watched.page.getByLabel('重叠策略').inputValue()).toBe('cancel');
  });
});
