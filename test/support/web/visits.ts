import type { Page } from 'playwright-core';
import type { Language } from '#src/core/text/language.ts';
import zhCn from '#src/web/texts/zh-cn.json' with { type: 'json' };
import type { Furnished } from './content/furnished.ts';

type Text = keyof typeof zhCn;

/** A text of the pages in the language of the visitor. */
export type Say = (text: Text) => string;
export const sayIn =
  (language: Language): Say =>
  (text) =>
    language === 'zh-CN' ? zhCn[text] : text;

/** A page with what it shows when it is ready, and what can be opened on it. */
export type Visit = {
  path: string;
  /** A selector of elements that the page has once its content is there. */
  ready: string;
  /** The buttons that open dialogs. */
  dialogs?: readonly Text[];
  /** Another way to open or show something, by its name. */
  more?: Readonly<Record<string, (page: Page, say: Say) => Promise<unknown>>>;
};

const timeOf = (page: Page, say: Say, value: string) => page.getByRole('combobox', { name: say('Time') }).selectOption(value);

export const listVisits = ({ ids }: Furnished): Visit[] => [
  {
    path: '/',
    ready: '.table-body .row',
    dialogs: ['Columns…', 'Views…', 'Redrive in bulk…', 'Cancel in bulk…'],
    more: {
      range: (page, say) => timeOf(page, say, 'range'),
      'as-of': (page, say) => timeOf(page, say, 'as-of'),
      keys: (page) => page.locator('body').press('?'),
    },
  },
  {
    path: `/?at=${new Date().toISOString()}&sort=longest`,
    ready: '.table-body .row',
    more: { selection: (page) => page.locator('.table-body input[type="checkbox"]').first().click() },
  },
  { path: '/?function=nobody', ready: '.empty' },
  { path: `/invocations/${ids.dead}`, ready: '.event-row', dialogs: ['Redrive…', 'Copy as…', 'Dismiss…'] },
  {
    path: `/invocations/${ids.failed}`,
    ready: '.event-row',
    more: {
      event: async (page) => {
        await page.locator('.event-row').last().press('Enter');
        await page.locator('.delivery-choices button').first().click();
      },
    },
  },
  { path: `/invocations/${ids.retrying}`, ready: '.event-row' },
  { path: `/invocations/${ids.running}`, ready: '.event-row', dialogs: ['Cancel…'] },
  { path: `/invocations/${ids.paused}`, ready: '.verdict' },
  { path: '/invocations/no-such-id', ready: '.empty' },
];

export const functionVisits: readonly Visit[] = [
  { path: '/functions', ready: '.graph-frame' },
  { path: '/functions?new', ready: '.code-editor:not([hidden])' },
  {
    path: '/functions/orders',
    ready: '.canary tbody tr',
    dialogs: ['Invoke…', 'Edit…', 'Delete…', 'Publish…', 'New alias…'],
  },
  { path: '/functions/halted', ready: '.policy' },
  { path: '/functions/orders?tab=code', ready: '.code-editor:not([hidden])' },
  { path: '/functions/orders?tab=code&version=v1', ready: '.code-editor:not([hidden])' },
  { path: '/functions/orders?tab=code&version=v2&with=v1', ready: '.code-editor:not([hidden])' },
  { path: '/functions/held?tab=code', ready: '.empty' },
  { path: '/functions/orders?tab=logs', ready: '.log-line' },
  { path: '/functions/halted?tab=logs', ready: '.empty' },
  { path: '/functions/nobody', ready: '.empty' },
];

export const otherVisits: readonly Visit[] = [
  { path: '/schedules', ready: '.rows tbody tr', dialogs: ['New schedule…'] },
  { path: '/batches', ready: '.rows tbody tr' },
  { path: '/batches/import?function=invoices', ready: '.batch-parts', dialogs: ['Redrive failed…'] },
  { path: '/dead-letters', ready: '.rows tbody tr', dialogs: ['Deliver all again…', 'Dismiss all…'] },
  {
    path: '/system',
    ready: '.health-line',
    more: {
      verified: async (page, say) => {
        await page.getByRole('button', { name: say('Verify the log') }).click();
        await page.getByText(say('No rule is broken')).waitFor();
      },
    },
  },
  { path: '/login', ready: '.login-card' },
  { path: '/no-such-page', ready: '.empty' },
];

/** Opens each page, and then each of its dialogs and parts, which have a name. Calls `look` each time the content is there. */
export async function walkThrough(
  { page, url, say }: { page: Page; url: string; say: Say },
  visits: readonly Visit[],
  look: (path: string, part?: string) => Promise<void>,
): Promise<void> {
  for (const { path, ready, dialogs = [], more = {} } of visits) {
    const open = async (): Promise<void> => {
      await page.goto(url + path);
      await page.locator(ready).first().waitFor();
      await loaded(page);
    };
    await open();
    await look(path);
    for (const dialog of dialogs) {
      const button = page.getByRole('button', { name: say(dialog), exact: true }).first();
      await button.click();
      await page.getByRole('dialog').waitFor();
      await loaded(page);
      await look(path, dialog);
      await page.keyboard.press('Escape');
      await page.getByRole('dialog').waitFor({ state: 'detached' });
    }
    for (const [name, act] of Object.entries(more)) {
      if (name !== Object.keys(more)[0] || dialogs.length > 0) await open();
      await act(page, say);
      await loaded(page);
      await look(path, name);
    }
  }
}

/** Resolves when no part of the page is a placeholder. */
async function loaded(page: Page): Promise<void> {
  await page.locator('.skeleton').first().waitFor({ state: 'detached' });
}
