import { expect } from 'vitest';
import { startWebSequent } from '#test/support/web/content/web-sequent.ts';
import { violationsInBothThemes } from '#test/support/web/page-checks.ts';
import { pagesTest } from '#test/support/web/pages-test.ts';

const test = pagesTest(startWebSequent);

test('the pages of the invocation and of the logs show what a running attempt prints, once', async ({ sequent, browser }) => {
  await sequent.define('slow', { policy: { maxRetries: 1, backoff: { initialInMs: 10 } } });
  const id = await sequent.invoke('slow', { prints: 'charging password=hunter2hunter2', gate: 'open', fails: 1 });
  await using watched = await browser.open(`${sequent.url}/invocations/${id}`);
  await using logs = await browser.open(`${sequent.url}/functions/slow?tab=logs`);
  const live = watched.page.getByRole('region', { name: 'Live output', exact: true }).first();
  await live.getByText('charging password=[redacted]').waitFor();
  expect(await live.locator('.log-line').allInnerTexts()).toEqual([expect.stringMatching(/^#1 charging password=\[redacted\]$/)]);
  const lines = logs.page.locator('.log-line');
  await lines.getByText('charging password=[redacted]').waitFor();
  expect(await lines.count()).toBe(1);
  expect([...(await violationsInBothThemes(watched)), ...(await violationsInBothThemes(logs))]).toEqual([]);
  await sequent.openGate('open');
  await sequent.invocation(id);
  await live.waitFor({ state: 'detached' });
  await watched.page.getByRole('region', { name: 'Output', exact: true }).waitFor();
  // Both attempts, and the failure of the first one.
  await expect
    .poll(() => lines.allInnerTexts())
    .toEqual([
      expect.stringMatching(/#1 info\s+charging/),
      expect.stringMatching(/#1 error\s+failed: .*attempt 1 fails/),
      expect.stringMatching(/#2 info\s+charging/),
    ]);
});

test('the live output of an invocation is in Chinese for a Chinese reader', async ({ sequent, browser }) => {
  await sequent.define('langsam');
  const id = await sequent.invoke('langsam', { prints: 'printed', gate: 'later' });
  await using watched = await browser.open(`${sequent.url}/invocations/${id}`, { language: 'zh-CN', width: 360 });
  await watched.page.getByRole('region', { name: '实时输出' }).first().getByText('printed').waitFor();
  await sequent.openGate('later');
});
