import type { Page } from 'playwright-core';
import { describe, expect } from 'vitest';
import { functionDestination, startWebSequent, type WebSequent } from '#test/support/web/content/web-sequent.ts';
import { overflowOf, violationsInBothThemes } from '#test/support/web/page-checks.ts';
import { pagesTest } from '#test/support/web/pages-test.ts';
import { javaScript, walkWorkedExample } from '#test/support/web/walk/worked-example.ts';

const test = pagesTest(startWebSequent);
let sequent: WebSequent;
test.beforeAll(async ({ sequent: own }) => {
  sequent = own;
  for (const name of ['test2', 'test3']) await sequent.define(name);
  await sequent.define('test1', {
    policy: { maxRetries: 0, onSuccess: [functionDestination('test2')], onFailure: [functionDestination('test3')] },
  });
});

const active = (page: Page, state: string) => page.locator(`.replay [data-state="${state}"].active`);
const taken = (page: Page, edge: string) => page.locator(`.replay .edge:is(.taken, .last)[data-edge="${edge}"]`);

/** Watches an invocation of test1 from queued to notified on its page, then opens the invocation of its destination. */
async function watch(page: Page, id: string, { gate, outcome }: { gate: string; outcome: string }): Promise<void> {
  await active(page, 'queued').waitFor();
  await page.getByRole('status').getByText('Live').waitFor();
  await sequent.call('/api/functions/test1/resume', { method: 'POST' });
  await active(page, 'running').waitFor();
  await page.getByRole('button', { name: /^attempt 1: runs on/ }).waitFor();
  await sequent.openGate(gate);
  await active(page, 'notified').waitFor();
  await page.getByRole('status').getByText('Ended').waitFor();
  for (const edge of ['queued/running/running', `running/${outcome}/${outcome}`, `${outcome}/notified/notified`])
    await taken(page, edge).waitFor();
  await expect.poll(() => page.locator('.replay .edge:is(.taken, .last)').count()).toBe(4);
  await page.getByRole('button', { name: /^try 1 .*: delivered after/ }).waitFor();
  await page.getByRole('region', { name: 'Lineage' }).getByRole('link').nth(1).click();
  await page.waitForURL((url) => !url.pathname.includes(id));
  await active(page, 'notified').waitFor();
}

describe('the worked example of the source document (SRC10), watched live', () => {
  test.for([
    { ending: 'succeeds', destination: 'test2', outcome: 'succeeded', does: { returns: 'hello world!' }, condition: '' },
    { ending: 'fails', destination: 'test3', outcome: 'failed', does: { throws: 'out of stock' }, condition: 'UnhandledInvocationError' },
  ])('when test1 $ending, its page goes from queued to notified and links to $destination', async (example, { browser }) => {
    const { destination, outcome, does, condition } = example;
    await sequent.call('/api/functions/test1/pause', { method: 'POST' });
    const event = { aaa: 123, gate: outcome, ...does };
    const id = await sequent.invoke('test1', event);
    await using watched = await browser.open(`${sequent.url}/invocations/${id}`);
    const { page } = watched;
    await watch(page, id, { gate: outcome, outcome });

    await page.getByRole('heading', { level: 1, name: destination }).waitFor();
    const request = page.getByRole('region', { name: 'Request', exact: true });
    await request.getByRole('button', { name: 'Raw' }).click();
    const envelope = JSON.parse((await request.locator('pre').textContent()) ?? '');
    expect(envelope).toMatchObject({
      request_context: { request_id: id, condition, approximate_invoke_count: 1 },
      request_payload: JSON.stringify(event),
    });
  });
});

describe('the logs of a function', () => {
  test('show the end of a long output, and all of it when the function keeps it', async ({ sequent, browser }) => {
    await sequent.define('lengthy', { maxOutputBytes: 100_000 });
    const words = Array.from({ length: 900 }, (_, i) => `word ${i}`);
    await sequent.invocation(await sequent.invoke('lengthy', { prints: words.join('\n') }));
    await using watched = await browser.open(`${sequent.url}/functions/lengthy?tab=logs`);
    const { page } = watched;
    const texts = () => page.locator('.log-text').allTextContents();
    await page.getByText('Earlier output of this attempt is stored:').waitFor();
    expect((await texts()).at(-1)).toBe('word 899');
    expect(await texts()).not.toContain('word 0');
    expect(await violationsInBothThemes(watched)).toEqual([]);
    await page.getByRole('button', { name: 'show the whole output' }).click();
    await expect.poll(texts).toEqual(words);
    expect(await page.getByLabel('Whole output').isChecked()).toBe(true);
    await page.setViewportSize({ width: 360, height: 800 });
    expect(await overflowOf(page)).toEqual([]);
  });

  test('show what attempts printed and why they failed, narrowed by a filter, and then live', async ({ sequent, browser }) => {
    await sequent.define('talking');
    await sequent.invocation(await sequent.invoke('talking', { prints: 'first words' }));
    await sequent.invocation(await sequent.invoke('talking', { prints: 'last words', throws: 'no voice' }));
    await using watched = await browser.open(`${sequent.url}/functions/talking`);
    const { page } = watched;
    await page.getByRole('link', { name: 'Logs' }).click();
    const texts = () => page.locator('.log-text').allTextContents();
    const failure = expect.stringMatching(/^failed: RangeError: .*no voice$/);
    await expect.poll(texts).toEqual(['first words', 'last words', failure]);

    await page.getByLabel('Failed attempts only').check();
    await expect.poll(texts).toEqual(['last words', failure]);
    await page.keyboard.press('/');
    await page.keyboard.type('WORDS');
    await page.keyboard.press('Enter');
    await expect.poll(texts).toEqual(['last words']);
    await expect.poll(() => new URL(page.url()).search).toBe('?tab=logs&failed=true&text=WORDS');

    await page.getByText('Live', { exact: true }).waitFor();
    const id = await sequent.invoke('talking', { prints: 'words <b>later</b>', throws: 'no voice' });
    await expect.poll(texts).toEqual(['last words', 'words <b>later</b>']);
    expect(await violationsInBothThemes(watched)).toEqual([]);
    await page.setViewportSize({ width: 360, height: 800 });
    expect(await overflowOf(page)).toEqual([]);
    await page.getByRole('link', { name: `…${id.slice(-6)} #1` }).click();
    await page.waitForURL(`**/invocations/${id}?function=talking`);
  });

  test('are narrowed to the lines of a level and above, where a line without a level counts as info', async ({ sequent, browser }) => {
    await sequent.define('levelled');
    const structured = ['debug', 'warn', 'error'].map((level) => JSON.stringify({ level, msg: `a line of ${level}` }));
    await sequent.invocation(await sequent.invoke('levelled', { prints: ['a line of info', 'a plain line', ...structured].join('\n') }));
    await using watched = await browser.open(`${sequent.url}/functions/levelled?tab=logs`);
    const { page } = watched;
    const texts = () => page.locator('.log-text').allTextContents();
    const lines = ['a line of info', 'a plain line', 'a line of debug', 'a line of warn', 'a line of error'];
    await expect.poll(texts, { timeout: 30_000 }).toEqual(lines);
    const level = page.getByLabel('Least level');
    for (const [least, left] of [
      ['error', lines.slice(4)],
      ['warn', lines.slice(3)],
      ['info', [...lines.slice(0, 2), ...lines.slice(3)]],
      ['debug', lines],
    ] as const) {
      await level.selectOption(least);
      await expect.poll(texts, { timeout: 30_000 }).toEqual(left);
    }
    await level.selectOption('error');
    await expect.poll(() => new URL(page.url()).search).toBe('?tab=logs&level=error');
    await page.reload();
    await expect.poll(texts, { timeout: 30_000 }).toEqual(lines.slice(4));
    expect(await level.inputValue()).toBe('error');
  });
});

/* `test/pages/forms/worked-example.test.ts` does the same in Chinese, and with functions in Python. */
describe('the worked example of the source document (SRC10), in the pages alone', () => {
  test('test1 is created, configured, invoked; test2 or test3 logs the envelope', async ({ sequent, browser }) => {
    await walkWorkedExample({ sequent, browser, language: 'en', code: javaScript });
  });
});
