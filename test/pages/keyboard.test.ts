import type { Locator, Page } from 'playwright-core';
import { expect } from 'vitest';
import { startWebSequent } from '#test/support/web/content/web-sequent.ts';
import { rows } from '#test/support/web/invocation-list.ts';
import { violationsInBothThemes } from '#test/support/web/page-checks.ts';
import { pagesTest } from '#test/support/web/pages-test.ts';
import { pressChord } from '#test/support/web/press-chord.ts';

const test = pagesTest(startWebSequent);

/** A function that ends at once, or never when its event says so. */
const code = `export const handler = async (event) => {
if (event.waits) await new Promise((resolve) => setTimeout(resolve, 3_600_000));
return 'done';
};`;

/** A script that runs in the page: the focused element, with an outline that shows the focus. */
const focused = `(() => {
  const host = document.activeElement;
  const inner = host.shadowRoot?.activeElement ?? host;
  const shown = [inner, inner.closest('.cm-editor'), inner.closest('label')].filter((one) => one !== null);
  const isShown = shown.some((one) => {
    const { outlineStyle, outlineWidth } = getComputedStyle(one);
    return outlineStyle !== 'none' && outlineWidth !== '0px';
  });
  return { isShown, text: inner.localName + ' ' + inner.className + ' ' + (inner.getAttribute('aria-label') ?? inner.textContent).slice(0, 60) };
})()`;

/** Presses Tab until an element has the focus. Every element on the way must show the focus. */
async function tabTo(page: Page, target: Locator): Promise<void> {
  await target.waitFor();
  for (let step = 0; step < 120; step++) {
    await page.keyboard.press('Tab');
    if (await hasFocus(target)) return expectShown(page);
    if (await page.evaluate<boolean>('document.activeElement !== document.body')) await expectShown(page);
  }
  throw new Error(`no key Tab reaches ${target}`);
}

const hasFocus = (target: Locator): Promise<boolean> =>
  target.evaluate((element) => (element.getRootNode() as unknown as { activeElement: unknown }).activeElement === element);

async function expectShown(page: Page): Promise<void> {
  // The editor shows its focus some milliseconds after it has the focus.
  const hidden = async (): Promise<string | undefined> => {
    const { isShown, text } = await page.evaluate<{ isShown: boolean; text: string }>(focused);
    return isShown ? undefined : text;
  };
  await expect.poll(hidden, { message: 'an element has the focus, and does not show it' }).toBeUndefined();
}

test('a function is written, invoked, followed and cancelled by the keyboard alone', async ({ sequent, browser }) => {
  await using watched = await browser.open(`${sequent.url}/functions`);
  const { page } = watched;
  const button = (name: string | RegExp) => page.getByRole('button', { name, exact: true });
  const press = async (...keys: string[]): Promise<void> => {
    for (const key of keys) await page.keyboard.press(key);
  };
  await tabTo(page, page.getByRole('link', { name: 'Write the first one here' }));
  await press('Enter');

  // The key Tab indents in the editor. Escape and then Tab leaves it.
  await tabTo(page, page.getByRole('textbox', { name: /^Name/ }));
  await page.keyboard.type('typed');
  const editor = page.getByRole('textbox', { name: 'Code', exact: true });
  await tabTo(page, editor);
  await press('Control+A');
  await page.keyboard.insertText(code);
  await press('Tab');
  await expect.poll(() => hasFocus(editor)).toBe(true);
  await press('Escape', 'Tab');
  await expect.poll(() => hasFocus(editor)).toBe(false);
  await tabTo(page, button('Create the function'));
  await press('Enter');
  await page.getByRole('heading', { level: 1, name: 'typed' }).waitFor();

  // Escape closes a dialog, and the focus is again where it was.
  await tabTo(page, button('Invoke…'));
  await press('Enter');
  await page.getByRole('dialog').waitFor();
  await press('Escape');
  await expect.poll(() => hasFocus(button('Invoke…'))).toBe(true);
  await press('Enter');
  const event = page.getByRole('dialog').getByRole('textbox', { name: /^Event/ });
  await tabTo(page, event);
  await press('Control+A');
  await page.keyboard.type('{"waits":true}');
  await tabTo(page, button('Invoke'));
  await press('Enter');

  // The page of the invocation: the events, by the slider and by the keys.
  await page.locator('.replay [data-state="running"].active').waitFor();
  const slider = page.getByRole('slider', { name: 'Event' });
  await tabTo(page, slider);
  await press('ArrowLeft');
  await page.locator('.replay [data-state="queued"].active').waitFor();
  await tabTo(page, page.locator('.event-row').filter({ hasText: 'attempt 1' }));
  await press('Enter');
  await page.locator('.replay [data-state="running"].active').waitFor();
  await press('Escape');
  await press('Escape');

  // The list: a row is selected and cancelled in bulk.
  await rows(page).first().getByText('Running').waitFor();
  await press('j');
  await page.locator('.row.selected').waitFor();
  await press('x');
  await page.getByRole('region', { name: 'Selection' }).getByText('1 selected').waitFor();
  await tabTo(page, page.getByRole('region', { name: 'Selection' }).getByRole('button', { name: 'Cancel…' }));
  await press('Enter');
  await tabTo(page, button('Cancel 1'));
  await press('Enter');
  await page.getByText('1 cancelled.').waitFor();
  await press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  // The selection is gone, with the button that had the focus: the focus is at the start of the page's content.
  await expect.poll(() => page.evaluate<string>('document.activeElement.id')).toBe('main');
  await rows(page).first().getByText('Failed').waitFor();
  await press('j');
  await press('Enter');
  await page.locator('.verdict').getByText('InvocationCanceled').waitFor();
});

test('every page has a link past the header, two letters for it, and help that restores the focus', async ({ sequent, browser }) => {
  await using watched = await browser.open(`${sequent.url}/functions`);
  const { page } = watched;
  await page.getByRole('heading', { level: 1, name: 'Functions' }).waitFor();
  const focusedText = () =>
    page.evaluate<string>('document.activeElement.textContent.trim() || document.activeElement.getAttribute("aria-label")');
  await page.keyboard.press('Tab');
  await expect.poll(focusedText).toBe('Skip to the content');
  const walked: string[] = [];
  for (let step = 0; step < 11; step++) {
    await page.keyboard.press('Tab');
    walked.push(await focusedText());
  }
  expect(walked).toEqual([
    'Sequent',
    'Invocations',
    'Functions',
    'Schedules',
    'Batches',
    'Dead letters',
    'System',
    '中文',
    'Local',
    expect.stringContaining('Colours'),
    'Keys',
  ]);
  await page.keyboard.press('?');
  await page.getByRole('dialog', { name: 'Keys' }).waitFor();
  expect(await violationsInBothThemes(watched)).toEqual([]);
  await page.keyboard.press('Escape');
  await expect.poll(focusedText).toBe('Keys');
  for (const [keys, heading] of [
    ['gs', 'System'],
    ['gd', 'Dead letters'],
    ['gi', 'Invocations'],
    ['gf', 'Functions'],
    ['gh', 'Schedules'],
    ['gb', 'Batches'],
  ] as const) {
    await pressChord(page, keys);
    await page.getByRole('heading', { level: 1, name: heading }).waitFor();
    // The title changes after the page is rendered.
    await expect.poll(() => page.title()).toBe(`${heading} · Sequent`);
  }
});
