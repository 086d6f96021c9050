import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openBrowser, type TestBrowser } from '#test/support/web/browser.ts';
import { startWebSequent, type WebSequent } from '#test/support/web/web-sequent.ts';

let sequent: WebSequent;
let browser: TestBrowser;
beforeAll(async () => {
  [sequent, browser] = await Promise.all([startWebSequent(), openBrowser()]);
});
afterAll(async () => {
  await browser[Symbol.asyncDispose]();
  await sequent[Symbol.asyncDispose]();
});

describe('the list of invocations', () => {
  test('shows the command to run when there is nothing yet, and the first invocation when it comes', async () => {
    await using watched = await browser.open(sequent.url);
    const { page } = watched;
    await page.getByText('npx sequent invoke').waitFor();
    expect(await watched.violations()).toEqual([]);
    await sequent.define('orders');
    const id = await sequent.invoke('orders', { order: 7 });
    await page.getByText(id).waitFor();
  });
});
