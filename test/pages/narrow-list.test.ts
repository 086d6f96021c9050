import { describe, expect } from 'vitest';
import { startWebSequent } from '#test/support/web/content/web-sequent.ts';
import { row, settled } from '#test/support/web/invocation-list.ts';
import { overflowOf } from '#test/support/web/page-checks.ts';
import { pagesTest } from '#test/support/web/pages-test.ts';

const test = pagesTest(startWebSequent);

describe('the list of invocations at 360 px', () => {
  test.for(['en', 'zh-CN'] as const)('shows the end of each id, in %s', async (language, { sequent, browser }) => {
    const name = `narrow-${language}`;
    await sequent.define(name);
    const ids = await settled(sequent, name, { n: 1 }, { n: 2 });
    await using watched = await browser.open(`${sequent.url}/?function=${name}`, { language, width: 360 });
    await row(watched.page, ids[0] ?? '').waitFor();
    for (const id of ids) {
      const link = row(watched.page, id).locator('.cell-id a');
      expect([await link.textContent(), await link.getAttribute('title')]).toEqual([id, id]);
      const lack = await link.evaluate((element) => {
        const text = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
        let last: Text | undefined;
        while (text.nextNode() !== null) last = text.currentNode as Text;
        const range = document.createRange();
        if (last === undefined) return Number.POSITIVE_INFINITY;
        range.setStart(last, Math.max(0, last.data.length - 8));
        range.setEnd(last, last.data.length);
        return range.getBoundingClientRect().right - (element.closest('.cell-id')?.getBoundingClientRect().right ?? 0);
      });
      expect(lack).toBeLessThanOrEqual(0);
    }
    expect(await overflowOf(watched.page)).toEqual([]);
  });
});
