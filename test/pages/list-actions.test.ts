import type { Page } from 'playwright-core';
import { describe, expect } from 'vitest';
import type { InvocationRow, InvocationView } from '#src/gateway/api/invocations/invocation-schemas.ts';
import { startWebSequent } from '#test/support/web/content/web-sequent.ts';
import { chip, fresh, row, rows, settled } from '#test/support/web/invocation-list.ts';
import { overflowOf, violationsInBothThemes } from '#test/support/web/page-checks.ts';
import { pagesTest } from '#test/support/web/pages-test.ts';

const test = pagesTest(startWebSequent);

/** An attempt that waits for a gate is open for longer than a test on a slow machine. */
const patient = { timeoutInMs: 600_000 };

describe('the chosen view of the list', () => {
  test('is saved in one profile of a browser, and another profile does not have it', async ({ sequent, browser }) => {
    const openViews = async (page: Page) => {
      await page.getByRole('button', { name: 'Views…' }).click();
      return page.getByRole('dialog', { name: 'Saved views' });
    };
    await using watched = await browser.open(`${sequent.url}/?sort=oldest`);
    const own = await openViews(watched.page);
    await own.getByLabel('Save the present view as').fill('oldest ones');
    await own.getByRole('button', { name: 'Save the view' }).click();
    await own.getByRole('button', { name: 'oldest ones', exact: true }).waitFor();
    await using other = await browser.open(`${sequent.url}/?sort=oldest`);
    const foreign = await openViews(other.page);
    await foreign.getByText('none', { exact: true }).waitFor();
    expect(await foreign.getByRole('button', { name: 'oldest ones', exact: true }).count()).toBe(0);
    await watched.page.reload();
    await (await openViews(watched.page)).getByRole('button', { name: 'oldest ones', exact: true }).waitFor();
  });

  test('is sorted, in a time range or as of a moment, with chosen columns, and can be saved under a name', async ({ sequent, browser }) => {
    await sequent.define('views');
    const [quick = '', slow = ''] = await settled(sequent, 'views', { ms: 1, basket: 'pear' }, { ms: 900, basket: 'plum' });
    const { invocations } = await sequent.call<{ invocations: InvocationRow[] }>('/api/invocations?function=views');
    // The duration of the first one contains the start of the process, which takes long on a busy machine.
    const longestFirst = invocations
      .toSorted((one, other) => (other.duration_ms ?? 0) - (one.duration_ms ?? 0))
      .map(({ request_id: id }) => id);
    await using watched = await browser.open(`${sequent.url}/?function=views`);
    const { page } = watched;
    const order = () => rows(page).evaluateAll((all) => all.map((one) => one.getAttribute('data-id')));
    await expect.poll(order).toEqual([slow, quick]);
    await page.getByRole('columnheader', { name: 'Accepted' }).getByRole('button').click();
    await expect.poll(order).toEqual([quick, slow]);
    await page.getByRole('columnheader', { name: 'Duration' }).getByRole('button').click();
    await expect.poll(order).toEqual(longestFirst);
    await page.getByRole('button', { name: 'Columns…' }).click();
    await page.getByRole('checkbox', { name: 'Payload' }).check();
    await page.keyboard.press('Escape');
    await row(page, quick).getByText('"basket":"pear"').waitFor();
    await page.getByRole('button', { name: 'Views…' }).click();
    await page.getByLabel('Save the present view as').fill('slow ones');
    await page.getByRole('button', { name: 'Save the view' }).click();
    expect(await watched.violations()).toEqual([]);
    await page.keyboard.press('Escape');
    await page.goto(sequent.url);
    await page.getByRole('button', { name: 'Views…' }).click();
    await page.getByRole('button', { name: 'slow ones', exact: true }).click();
    await expect.poll(order).toEqual(longestFirst);
    const range = async (field: string, moment: string) => {
      await page.getByRole('combobox', { name: 'Time' }).selectOption('range');
      await page.getByLabel(field).fill(moment);
      expect(await watched.violations()).toEqual([]);
      await page.getByRole('button', { name: 'Show the range' }).click();
    };
    await range('Accepted before', '2020-01-31T12:00:00');
    await page.getByText('No matching invocations').waitFor();
    await page.getByRole('button', { name: 'to 2020-01-31T12:00:00.000Z' }).click();
    await expect.poll(order).toEqual(longestFirst);
    await range('Accepted from', '2100-01-31T12:00:00');
    await page.getByText('No matching invocations').waitFor();
    expect(await order()).toEqual([]);
    await range('Accepted from', '2020-01-31T12:00:00');
    await page.getByRole('button', { name: 'from 2020-01-31T12:00:00.000Z' }).waitFor();
    await expect.poll(order).toEqual(longestFirst);
    await page.getByRole('button', { name: 'from 2020-01-31T12:00:00.000Z' }).click();
    await expect.poll(order).toEqual(longestFirst);
    const [accepted] = (await sequent.call<{ events: { sequence: number }[] }>(`/api/invocations/${slow}/events`)).events;
    await page.getByRole('combobox', { name: 'Time' }).selectOption('as-of');
    await page.getByLabel('Or behind this sequence of the log').fill(String(accepted?.sequence));
    await page.getByRole('button', { name: 'Show', exact: true }).click();
    await row(page, slow).getByText('Queued').waitFor();
    await page.getByRole('button', { name: 'Back to now' }).click();
    await row(page, slow).getByText('Succeeded').waitFor();
    await page.getByRole('combobox', { name: 'Time' }).selectOption('as-of');
    await page.getByLabel('At this time').fill('2020-01-31T12:00:00');
    await page.getByRole('button', { name: 'Show', exact: true }).click();
    await page.getByText('The list as it was at 2020-01-31 12:00:00').waitFor();
    await expect.poll(order).toEqual([]);
    await page.getByRole('button', { name: 'Back to now' }).click();
    await row(page, slow).waitFor();
  });
});

/** The bulk operations on the page System, as texts of rows. */
async function operationsOn(page: Page): Promise<string[]> {
  return await page.getByRole('region', { name: 'Bulk operations' }).first().locator('tbody tr').allTextContents();
}

describe('in bulk', () => {
  test('a cancellation and a purge of the command line are operations on the page System', async ({ sequent, browser }) => {
    await sequent.define('closing', patient);
    const held = [await sequent.invoke('closing', { gate: 'never' }), await sequent.invoke('closing', { gate: 'never' })];
    // The command lists by the read model, which is a moment behind the log.
    const listed = async () =>
      (await sequent.call<{ invocations: InvocationRow[] }>('/api/invocations?function=closing&state=running')).invocations.length;
    await expect.poll(listed, { timeout: 30_000 }).toBe(2);
    const cancel = (...args: string[]) => sequent.run(['cancel', '--open', '--function', 'closing', ...args, '-o', 'name']);
    expect(await cancel('--state', 'queued', '--dry-run')).toMatchObject({ code: 0, stdout: '' });
    expect((await cancel('--dry-run')).stdout.trim().split('\n')).toEqual(held);
    expect((await sequent.run(['cancel'])).code).toBe(2);
    expect(await cancel('--yes')).toMatchObject({ code: 0, stderr: expect.stringContaining('2 open invocations cancelled') });
    for (const id of held) expect((await sequent.invocation(id)).condition).toBe('InvocationCanceled');
    const purged = await sequent.run(['purge', '--function', 'closing', '--before', '0s', '--yes']);
    expect(purged.code).toBe(0);
    const [, id = ''] = /bulk operation (\S+);/.exec(purged.stderr) ?? [];
    expect((await sequent.run(['bulk', 'show', id])).stdout).toMatch(/^purge .*: done\nfunction=closing .*\n2 done, 0 failed/);
    expect((await sequent.run(['bulk', 'abort', id])).code).toBe(4);
    await using watched = await browser.open(`${sequent.url}/system`);
    const { page } = watched;
    const expected = [/^purge function closing, before .*done 2 of 20/, /^cancel function closing .*done 2 of 20/];
    await expect.poll(() => operationsOn(page), { timeout: 30_000 }).toEqual(expected.map((pattern) => expect.stringMatching(pattern)));
    expect(await violationsInBothThemes(watched)).toEqual([]);
    await page.setViewportSize({ width: 360, height: 740 });
    expect(await overflowOf(page)).toEqual([]);
  });

  test('finished invocations are counted and erased by the keyboard alone, after the name is typed', async ({ sequent, browser }) => {
    await sequent.define('erased', patient);
    await sequent.define('unused');
    const [one = '', two = ''] = await settled(sequent, 'erased', { n: 1 }, { n: 2 });
    const held = await sequent.invoke('erased', { gate: 'never' });
    await using watched = await browser.open(`${sequent.url}/?function=erased`);
    const { page } = watched;
    await row(page, held).getByText('Running').waitFor();
    await page.getByRole('button', { name: 'Purge…' }).press('Enter');
    const dialog = page.getByRole('dialog', { name: 'Purge finished invocations' });
    expect(await dialog.getByLabel('Invocations of the function').inputValue()).toBe('erased');
    await dialog.getByLabel('Accepted before').fill('2099-01-31T12:00:00');
    await dialog.getByLabel('Reason').fill('a test');
    expect(await violationsInBothThemes(watched)).toEqual([]);
    await dialog.getByRole('button', { name: 'Count them' }).press('Enter');
    await dialog.getByText(/^2 invocations would be erased, in \d+ messages\.$/).waitFor();
    expect(await violationsInBothThemes(watched)).toEqual([]);
    await page.setViewportSize({ width: 360, height: 740 });
    expect(await overflowOf(page)).toEqual([]);
    await page.setViewportSize({ width: 1_280, height: 900 });
    const erase = dialog.getByRole('button', { name: 'Erase 2' });
    // The field that asks for the name has the focus.
    await page.keyboard.type('erase');
    expect(await erase.isDisabled()).toBe(true);
    await page.keyboard.type('d');
    await erase.press('Enter');
    await dialog.getByText('2 invocations are erased.').waitFor();
    expect(await violationsInBothThemes(watched)).toEqual([]);
    await page.keyboard.press('Escape');
    const left = async () =>
      (await sequent.call<{ invocations: InvocationRow[] }>('/api/invocations?function=erased')).invocations.map(
        ({ request_id: id }) => id,
      );
    await expect.poll(left, { timeout: 30_000 }).toEqual([held]);
    for (const id of [one, two]) expect((await fetch(`${sequent.url}/api/invocations/${id}`)).status).toBe(404);
    await using chinese = await browser.open(`${sequent.url}/?function=unused`, { language: 'zh-CN' });
    await chinese.page.getByRole('button', { name: '清除…' }).click();
    await chinese.page.getByRole('button', { name: '统计' }).click();
    await chinese.page.getByText('没有匹配的调用：不会清除任何内容。').waitFor();
  });

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

  test('the selected rows are redriven, and one that has no outcome is reported', async ({ sequent, browser }) => {
    await sequent.define('picks', patient);
    const [first = '', , last = ''] = await settled(sequent, 'picks', { n: 1 }, { n: 2 }, { n: 3 });
    const held = await sequent.invoke('picks', { gate: 'never' });
    await using watched = await browser.open(`${sequent.url}/?function=picks`);
    const { page } = watched;
    const box = (id: string) => page.getByRole('checkbox', { name: `Select ${id}` });
    await row(page, held).getByText('Running').waitFor();
    await box(held).check();
    await box(last).click();
    await box(first).click({ modifiers: ['Shift'] });
    await page.getByRole('region', { name: 'Selection' }).getByText('4 selected').waitFor();
    expect(await watched.violations()).toEqual([]);
    await page.getByRole('button', { name: 'Redrive…' }).click();
    await page.getByRole('button', { name: 'Redrive 4' }).click();
    await page.getByText('3 redriven.').waitFor();
    await page.getByText(`${held} invocation ${held} is running, and has no outcome yet`).waitFor();
  });

  test('open invocations are counted and then cancelled', async ({ sequent, browser }) => {
    await sequent.define('held', patient);
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

describe('an invocation with an open delivery', () => {
  test('is redriven on its page and in bulk, because it has an outcome', async ({ sequent, browser }) => {
    // Nobody subscribes, so the delivery is tried again for a day.
    const param = JSON.stringify({ subject: 'news.nobody', stored: false });
    await sequent.define('unheard', { policy: { onSuccess: [{ destination: 'NATS', param }] } });
    const isOpen = ({ status, deliveries }: InvocationView) => status === 'SUCCESS' && deliveries[0]?.state === 'backingOff';
    const id = await sequent.invoke('unheard');
    await sequent.invocation(id, isOpen);
    await using watched = await browser.open(`${sequent.url}/invocations/${id}`);
    const { page } = watched;
    await page.getByRole('button', { name: 'Redrive…' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Redrive', exact: true }).click();
    await page.getByText('Accepted as').waitFor();
    const { redriven_as } = await sequent.invocation(id, (view) => view.redriven_as.length === 1);
    await sequent.invocation(redriven_as[0] ?? '', isOpen);
    await page.goto(`${sequent.url}/?function=unheard&status=SUCCESS`);
    await rows(page).nth(1).waitFor();
    await page.getByRole('button', { name: 'Redrive in bulk…' }).click();
    await page.getByRole('listitem').filter({ hasText: '1 were redriven before' }).waitFor();
    await page.getByRole('button', { name: 'Redrive 1' }).click();
    await page.getByText('1 redriven.').waitFor();
    await page.getByRole('listitem').filter({ hasText: '1 were redriven before' }).waitFor();
    await sequent.invocation(redriven_as[0] ?? '', (view) => view.redriven_as.length === 1);
  });
});

describe('the list', () => {
  test('is sorted by attempts, loses a column, forgets a view, and cancels the selected rows', async ({ sequent, browser }) => {
    await sequent.define('tries', { ...patient, policy: { maxRetries: 1, backoff: { initialInMs: 1 } } });
    const [twice = '', once = ''] = await settled(sequent, 'tries', { fails: 1 }, {});
    const held = [await sequent.invoke('tries', { gate: 'never' }), await sequent.invoke('tries', { gate: 'never' })];
    await using watched = await browser.open(`${sequent.url}/?function=tries`);
    const { page } = watched;
    for (const id of held) {
      await row(page, id).getByText('Running').waitFor();
      await page.getByRole('checkbox', { name: `Select ${id}` }).check();
    }
    await page.getByRole('button', { name: 'Cancel…' }).click();
    await page.getByRole('button', { name: 'Cancel 2' }).click();
    await page.getByText('2 cancelled.').waitFor();
    await page.keyboard.press('Escape');
    for (const id of held) await row(page, id).getByText('Failed').waitFor();
    const ended = () => rows(page).evaluateAll((all) => all.map((one) => one.getAttribute('data-id')));
    const attempts = page.getByRole('columnheader', { name: 'Attempts' });
    await attempts.getByRole('button').click();
    await expect.poll(async () => (await ended())[0]).toBe(twice);
    await attempts.getByRole('button').click();
    await expect.poll(async () => (await ended()).at(-1)).toBe(twice);
    expect(await ended()).toContain(once);
    await page.getByRole('button', { name: 'Columns…' }).click();
    await page.getByRole('checkbox', { name: 'Attempts' }).uncheck();
    await page.keyboard.press('Escape');
    await attempts.waitFor({ state: 'detached' });
    await page.reload();
    await row(page, twice).waitFor();
    expect(await attempts.count()).toBe(0);
    await page.getByRole('button', { name: 'Views…' }).click();
    await page.getByLabel('Save the present view as').fill('by attempts');
    await page.keyboard.press('Enter');
    const deletion = page.getByRole('button', { name: 'Delete the view by attempts' });
    await deletion.press('Enter');
    await deletion.waitFor({ state: 'detached' });
    await page.reload();
    await page.getByRole('button', { name: 'Views…' }).click();
    await page.getByRole('dialog', { name: 'Saved views' }).getByText('none', { exact: true }).waitFor();
  });
});
