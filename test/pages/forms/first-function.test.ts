import type { Page } from 'playwright-core';
import { describe, expect } from 'vitest';
import type { Language } from '#src/core/text/language.ts';
import type { FunctionView } from '#src/gateway/api/functions/function-schemas.ts';
import { hasPython } from '#test/support/hosts/python.ts';
import { startWebSequent } from '#test/support/web/content/web-sequent.ts';
import { overflowOf, violationsInBothThemes } from '#test/support/web/page-checks.ts';
import { pagesTest } from '#test/support/web/pages-test.ts';
import { sayIn } from '#test/support/web/visits.ts';

const test = pagesTest(startWebSequent);

/** What a person can fill in on the form. The editor counts as one field. */
const fields = 'form :is(input, select, textarea, [contenteditable="true"]):visible';
const MAX_FIELDS = 6;
const A_MINUTE_IN_MS = 60_000;

/** Presses Tab until the focused element has this name. */
async function tabTo(page: Page, name: string): Promise<void> {
  const text = (): Promise<string> =>
    page.evaluate(
      '(document.activeElement.labels?.[0]?.querySelector("span")?.textContent ?? document.activeElement.textContent ?? "").trim()',
    );
  for (let step = 0; step < 60; step++) {
    await page.keyboard.press('Tab');
    if ((await text()) === name) return;
  }
  throw new Error(`no key Tab reaches ${name}`);
}

describe('the first function', () => {
  test.for([
    { language: 'en', name: 'first', width: 1280 },
    { language: 'zh-CN', name: 'second', width: 360 },
  ] satisfies { language: Language; name: string; width: number }[])(
    'is written and invoked by the keyboard alone, in $language at $width px, in few fields and a minute',
    async ({ language, name, width }, { sequent, browser }) => {
      const say = sayIn(language);
      await using watched = await browser.open(`${sequent.url}/functions?new`, { language, width });
      const { page } = watched;
      const startedAt = performance.now();
      await page.getByRole('heading', { level: 1, name: say('New function') }).waitFor();
      await page.locator('.cm-content').waitFor();
      expect(await page.locator(fields).count()).toBeLessThanOrEqual(MAX_FIELDS);
      await tabTo(page, say('Name'));
      await page.keyboard.type(name);
      await page.keyboard.press('Enter');
      await page.getByRole('heading', { level: 1, name }).waitFor();
      await tabTo(page, say('Invoke…'));
      await page.keyboard.press('Enter');
      await page.getByRole('dialog').waitFor();
      await tabTo(page, say('Invoke'));
      await page.keyboard.press('Enter');
      await page.waitForURL(/\/invocations\/.+/);
      expect(performance.now() - startedAt).toBeLessThan(A_MINUTE_IN_MS);
      const id = new URL(page.url()).pathname.split('/').at(-1) ?? '';
      expect((await sequent.invocation(id)).result?.payload).toBe('hello world!');
      await page.goto(`${sequent.url}/functions?new`);
      await page.locator('.cm-content').waitFor();
      expect(await overflowOf(page)).toEqual([]);
      expect(await violationsInBothThemes(watched)).toEqual([]);
    },
  );

  test('is a custom runtime from a template, whose program is edited and stays executable', async ({ sequent, browser }) => {
    await using watched = await browser.open(`${sequent.url}/functions?new`);
    const { page } = watched;
    await page.getByLabel(/^Name/).fill('shell');
    await page.getByLabel(/^Template/).selectOption({ label: 'Custom runtime (shell)' });
    await page.getByRole('button', { name: 'Create the function' }).click();
    await page.getByRole('heading', { level: 1, name: 'shell' }).waitFor();
    const says = async (): Promise<string> =>
      (await sequent.invocation(await sequent.invoke('shell', { name: 'Ada' }))).result?.payload ?? '';
    expect(await says()).toBe('{"received":{"name":"Ada"}}');
    await page.getByRole('link', { name: 'Code', exact: true }).click();
    await page.getByRole('textbox', { name: 'Code of bootstrap' }).click();
    await page.keyboard.press('Control+Home');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.insertText('# edited\n');
    await page.getByRole('button', { name: 'Save the code' }).click();
    await page.getByText('The code is saved.').waitFor();
    expect(await says()).toBe('{"received":{"name":"Ada"}}');
    await page.goto(`${sequent.url}/functions?new`);
    await page.getByText('Zip file').click();
    expect(
      await page
        .getByLabel(/^Runtime/)
        .locator('option')
        .allTextContents(),
    ).toEqual(['by the name of the file', 'custom', 'http', 'executable']);
    expect(await violationsInBothThemes(watched)).toEqual([]);
  });

  test.skipIf(!hasPython)('is written in Python from a template, in the mode of its language, and edited', async ({ sequent, browser }) => {
    await using watched = await browser.open(`${sequent.url}/functions?new`);
    const { page } = watched;
    watched.allow(/status of 400/);
    await page.getByLabel(/^Name/).fill('snake');
    await page.getByLabel(/^Template/).selectOption({ label: 'Python' });
    await page.locator('.cm-content[data-language="python"]').waitFor();
    await page.getByRole('button', { name: 'Create the function' }).click();
    await page.getByRole('heading', { level: 1, name: 'snake' }).waitFor();
    const says = async (): Promise<string> =>
      (await sequent.invocation(await sequent.invoke('snake', { name: 'Ada' }))).result?.payload ?? '';
    expect(await says()).toBe('{"hello":"Ada"}');
    await page.getByRole('link', { name: 'Code', exact: true }).click();
    const write = async (text: string): Promise<void> => {
      await page.getByRole('textbox', { name: 'Code of index.py' }).click();
      await page.keyboard.press('Control+a');
      await page.keyboard.insertText(text);
    };
    await write('def handler(event, context)\n    return 1\n');
    await page.getByRole('button', { name: 'Save the code' }).click();
    await page.getByRole('alert').filter({ hasText: 'index.py:1:28: SyntaxError' }).waitFor();
    expect(await says()).toBe('{"hello":"Ada"}');
    await write("def handler(event, context):\n    return 'edited'\n");
    await page.getByRole('button', { name: 'Save the code' }).click();
    await page.getByText('The code is saved.').first().waitFor();
    expect(await says()).toBe('edited');
  });

  test('has its limits in folded parts, which open when the gateway refuses one of them', async ({ sequent, browser }) => {
    await using watched = await browser.open(`${sequent.url}/functions?new`);
    const { page } = watched;
    watched.allow(/status of 400/);
    await page.getByLabel(/^Name/).fill('limited');
    await page.getByText('Handler and limits').click();
    await page.getByLabel('Timeout').fill('30');
    await page.getByText('not a duration, such as 30s, 10m or 24h').waitFor();
    await page.getByLabel('Timeout').fill('90s');
    await page.getByLabel('Memory').fill('1GB');
    await page.getByText('Flow over all workers').click();
    await page.getByLabel('Order of requests').selectOption('fifo');
    await page.getByText('Handler and limits').click();
    await page.getByRole('button', { name: 'Create the function' }).click();
    // An order needs a key and a limit.
    await page.getByLabel('Order of requests').waitFor();
    expect(await violationsInBothThemes(watched)).toEqual([]);
    await page.getByRole('textbox', { name: /^Key/ }).fill('$.customer');
    await page.getByLabel('At once over all workers').fill('1');
    await page.getByRole('button', { name: 'Create the function' }).click();
    await page.getByRole('heading', { level: 1, name: 'limited' }).waitFor();
    const { definition } = await sequent.call<FunctionView>('/api/functions/limited');
    expect(definition).toMatchObject({ timeoutInMs: 90_000, memoryInMb: 1_024, flow: { order: 'fifo', key: '$.customer' } });
    const configuration = page.getByRole('region', { name: 'Configuration' });
    const { package: digest = '' } = definition.handler as { package?: string };
    await configuration.getByText(`${digest.slice(0, 12)}…`, { exact: true }).waitFor();
    expect(await configuration.textContent()).not.toContain(digest);
    await configuration.getByRole('button', { name: 'Edit…' }).click();
    expect(await page.getByRole('dialog').getByLabel('Timeout').inputValue()).toBe('90s');
    expect(await page.getByRole('dialog').getByLabel('Memory').inputValue()).toBe('1GB');
  });
});

test('the events of an invocation are drawn below the fold, and figures of functions do not overlap', async ({ sequent, browser }) => {
  await sequent.define('drawn');
  const id = await sequent.invoke('drawn', { ms: 1_200 });
  await sequent.invocation(id);
  await using watched = await browser.open(`${sequent.url}/invocations/${id}`, { width: 360, height: 500 });
  await watched.page.locator('.event-row').first().waitFor();
  const isDrawn = '[...document.querySelectorAll(".event-row")].every((one) => one.checkVisibility({ contentVisibilityAuto: true }))';
  expect(await watched.page.evaluate<boolean>(isDrawn)).toBe(true);
  await watched.page.goto(`${sequent.url}/functions`);
  await watched.page.locator('.functions td.number').first().waitFor();
  const wide =
    '[...document.querySelectorAll("td.number")].filter((one) => one.scrollWidth > one.clientWidth + 1).map((one) => one.textContent)';
  await expect.poll(() => watched.page.locator('.functions td.number').allTextContents()).toContainEqual(expect.stringContaining(' / '));
  expect(await watched.page.evaluate<string[]>(wide)).toEqual([]);
});
