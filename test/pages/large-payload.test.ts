import { readFile } from 'node:fs/promises';
import { describe, expect } from 'vitest';
import { startWebSequent } from '#test/support/web/content/web-sequent.ts';
import { overflowOf, violationsInBothThemes } from '#test/support/web/page-checks.ts';
import { pagesTest } from '#test/support/web/pages-test.ts';

const test = pagesTest(startWebSequent);

describe('a large payload on the page of its invocation', () => {
  test('has a size, a digest and a download, and so has a large result', async ({ sequent, browser }) => {
    await sequent.define('import', { maxPayloadBytes: 2_000_000 });
    const event = { returns: 'x'.repeat(400_000) };
    const id = await sequent.invoke('import', event);
    await sequent.invocation(id);
    await using watched = await browser.open(`${sequent.url}/invocations/${id}`);
    const { page } = watched;
    for (const [name, expected] of [
      ['Request', JSON.stringify(event)],
      ['Result', event.returns],
    ] as const) {
      const card = page.getByRole('region', { name, exact: true });
      await card.getByText('SHA-256 of the stored object').waitFor();
      const downloading = page.waitForEvent('download');
      await card.getByRole('link', { name: 'Download' }).click();
      const download = await downloading;
      expect(download.suggestedFilename()).toBe(`${id}.${name === 'Request' ? 'payload.json' : 'result.txt'}`);
      expect((await readFile(await download.path(), 'utf8')) === expected).toBe(true);
    }
    expect(await violationsInBothThemes(watched)).toEqual([]);
    await page.setViewportSize({ width: 360, height: 740 });
    expect(await overflowOf(page)).toEqual([]);
  });
});
