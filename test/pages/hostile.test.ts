import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isBareName } from '#src/core/names/names.ts';
import { escapeControls } from '#src/core/text/escape-controls.ts';
import { answer, openReceiver, type Receiver } from '#test/support/destinations/receiver.ts';
import { openBrowser, type TestBrowser, type WatchedPage } from '#test/support/web/browser.ts';
import { startWebSequent, type WebSequent } from '#test/support/web/content/web-sequent.ts';
import { harmDone, hostileStrings } from '#test/support/web/hostile-strings.ts';

let receiver: Receiver;
let sequent: WebSequent;
let browser: TestBrowser;
/** The strings in pairs. */
const pairs = Array.from(
  { length: hostileStrings.length / 2 },
  (_, index) => hostileStrings.slice(2 * index, 2 * index + 2) as [string, string],
);
/** One invocation for each pair: both strings are in its payload, output and error. Every second one also returns them. */
let invocations: string[];
beforeAll(async () => {
  receiver = await openReceiver(answer(404));
  const connections = { http: { kind: 'http', allowPrivate: true, allowHttp: true, ports: [receiver.port] } };
  [sequent, browser] = await Promise.all([startWebSequent({ connections }), openBrowser()]);
  await sequent.define('hostile', { policy: { maxRetries: 1, backoff: { initialInMs: 100, factor: 1, maxInMs: 100, jitter: 0 } } });
  const events = pairs.map(([one, other], index) => ({
    prints: `${one}\n${other}`,
    [one]: other,
    [other]: one,
    throws: one,
    named: other,
    ...(index % 2 === 0 ? {} : { fails: 1, returns: { [one]: [other] } }),
  }));
  invocations = await Promise.all(events.map((event) => sequent.invoke('hostile', event)));
  for (const id of invocations) await sequent.invocation(id);
});
afterAll(async () => {
  await browser?.[Symbol.asyncDispose]();
  await sequent?.[Symbol.asyncDispose]();
  await receiver?.[Symbol.asyncDispose]();
});

/** A page that reports dialogs of scripts as harm. The browser itself reports what the policy of the page blocked. */
async function openGuarded(path: string, width = 1280): Promise<WatchedPage & { harm: () => Promise<string[]> }> {
  const watched = await browser.open(sequent.url + path, { width });
  const asked: string[] = [];
  watched.page.on('dialog', (dialog) => {
    asked.push(`a dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  const harm = async () => [...asked, ...(await watched.page.evaluate<string[]>(harmDone))];
  return Object.assign(watched, { harm });
}

/** Opens another page without loading a document, as a link does. */
async function goTo(page: Page, path: string): Promise<void> {
  await page.evaluate(`history.pushState(null, '', ${JSON.stringify(path)}); dispatchEvent(new PopStateEvent('popstate'))`);
}

describe('200 hostile strings', () => {
  test('are two hundred different strings', () => {
    expect([hostileStrings.length, new Set(hostileStrings).size]).toEqual([200, 200]);
  });

  test.each([1280, 360])(
    'as payload, output, error, error name and result do nothing on the page of an invocation, %i px',
    async (width) => {
      await using watched = await openGuarded(`/invocations/${invocations[0]}`, width);
      const { page } = watched;
      const harm: string[] = [];
      // Each width has one half of the invocations.
      const indexes = [...invocations.keys()].filter((index) => (index >> 1) % 2 === (width === 1280 ? 0 : 1));
      for (const [step, index] of indexes.entries()) {
        await goTo(page, `/invocations/${invocations[index]}`);
        await page
          .getByText(invocations[index] ?? '')
          .first()
          .waitFor();
        // Each kind of list of events in turn.
        if (step % 10 === 0)
          await page.getByRole('button', { name: ['all', 'JSON', 'compact'][(step / 10) % 3] ?? '', exact: true }).click();
        for (const one of await watched.harm()) harm.push(`${nameOf(index)}: ${one}`);
      }
      expect(harm).toEqual([]);
    },
  );

  test('do nothing in the dialog of a redrive', async () => {
    await using watched = await openGuarded('/system', 360);
    const harm: string[] = [];
    for (const index of [...invocations.keys()].filter((one) => one % 10 === 0)) {
      await goTo(watched.page, `/invocations/${invocations[index]}`);
      await watched.page.getByRole('button', { name: 'Redrive…' }).click();
      await watched.page.getByRole('dialog').waitFor();
      for (const one of await watched.harm()) harm.push(`${nameOf(index)}: ${one}`);
    }
    expect(harm).toEqual([]);
  });

  test.each([1280, 360])('do nothing in the list of invocations, %i px wide', async (width) => {
    await using watched = await openGuarded('/', width);
    const { page } = watched;
    await page.locator('.table-body .row').first().waitFor();
    const left = new Set(invocations);
    const harm: string[] = [];
    for (let step = 0; step < 100 && left.size > 0; step++) {
      const content = await page.content();
      for (const id of left) if (content.includes(id)) left.delete(id);
      harm.push(...(await watched.harm()));
      await page.mouse.move(width / 2, 500);
      await page.mouse.wheel(0, 400);
      await page.evaluate('new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))');
    }
    expect([...left]).toEqual([]);
    expect(harm).toEqual([]);
  });

  test('are refused as names of functions unless they are valid names', async () => {
    const accepted = await Promise.all(
      hostileStrings.map(async (text) => {
        const { status } = await fetch(`${sequent.url}/api/functions/${encodeURIComponent(wellFormed(text))}`, {
          method: 'PUT',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ handler: { kind: 'subject', subject: 'x' } }),
        });
        return status === 200;
      }),
    );
    expect(hostileStrings.filter((_, index) => accepted[index])).toEqual(hostileStrings.filter(isBareName));
    // `constructor` and `toString` are among them.
    expect(accepted.filter((one) => one).length).toBeGreaterThan(5);
  });

  test('do nothing as descriptions, user data and destinations on the other pages', async () => {
    await defineDescribed();
    await deliverToHostileTargets();
    for (const width of [1280, 360]) {
      await using watched = await openGuarded('/functions', width);
      const { page } = watched;
      const described = Array.from({ length: DESCRIBED }, (_, index) => [`/functions/described${index}`, 'Versions and aliases'] as const);
      const pages = [
        ['/functions', 'Destination graph'],
        ['/functions/notifying0', 'Destination graph'],
        ['/dead-letters', 'Deliver all again…'],
        ['/system', 'Roles and instances'],
        ...described,
      ] as const;
      const harm: string[] = [];
      for (const [path, sign] of pages) {
        await goTo(page, path);
        await page.getByText(sign).first().waitFor();
        await page.locator('.skeleton').first().waitFor({ state: 'detached' });
        for (const details of await page.locator('summary').all()) await details.click();
        for (const one of await watched.harm()) harm.push(`${path}: ${one}`);
      }
      expect(harm).toEqual([]);
    }
  });

  test('do nothing in the address of any page', async () => {
    await using watched = await openGuarded('/system');
    const { page } = watched;
    // The gateway refuses most of them, because they are not valid names.
    watched.allow(/status of 40[04]/);
    const harm: string[] = [];
    for (const [index, texts] of pairs.entries()) {
      const [one, other] = texts.map((text) => encodeURIComponent(wellFormed(text.slice(0, 500))));
      const paths = [
        `/invocations/${one}?event=${other}`,
        `/functions/${one}`,
        `/functions?q=${one}&order=${other}`,
        `/?text=${one}&function=${other}`,
        `/dead-letters?function=${one}&cursor=${other}`,
      ];
      await goTo(page, paths[index % paths.length] ?? '/');
      await page.locator('.skeleton').first().waitFor({ state: 'detached' });
      for (const one of await watched.harm()) harm.push(`${nameOf(index)}: ${one}`);
    }
    expect(harm).toEqual([]);
  });
});

function nameOf(index: number): string {
  return JSON.stringify(pairs[index]?.map((text) => text.slice(0, 60)));
}

/** Replaces lone surrogates, which an address cannot contain. */
function wellFormed(text: string): string {
  return text.replace(/\p{Cs}/gu, '\ufffd');
}

const DESCRIBED = 10;
/** The largest number of destinations of a policy. */
const MAX_DESTINATIONS = 10;

/** Defines functions with the strings in every field of free text. */
async function defineDescribed(): Promise<void> {
  const size = hostileStrings.length / DESCRIBED;
  for (let index = 0; index < DESCRIBED; index++) {
    const own = hostileStrings.slice(index * size, (index + 1) * size);
    const description = own.map((text) => text.slice(0, 480 / size)).join(' ');
    // The keys of user data are names, which cannot hold all characters.
    const userData = Object.fromEntries(own.map((text) => [escapeControls(text), text]));
    await sequent.define(`described${index}`, { description, handler: { kind: 'subject', subject: 'unused' }, userData });
  }
}

/** Creates sixty dead letters of destinations whose addresses contain a string. */
async function deliverToHostileTargets(): Promise<void> {
  await sequent.define('probe');
  const headers = { 'if-match': '*' };
  const targets: object[] = [];
  for (const text of hostileStrings) {
    if (targets.length === 60) break;
    const target = { destination: 'HTTP', param: JSON.stringify({ url: `${receiver.url}/?${text}` }) };
    const body = { onSuccess: [target] };
    // The API refuses addresses that are not valid.
    const answered = await sequent.call('/api/functions/probe/policy', { method: 'PATCH', body, headers }).catch(() => undefined);
    if (answered !== undefined) targets.push(target);
  }
  expect(targets.length).toBe(60);
  const names = Array.from({ length: targets.length / MAX_DESTINATIONS }, (_, index) => `notifying${index}`);
  await Promise.all(
    names.map(async (name, index) => {
      await sequent.define(name, { policy: { onSuccess: targets.slice(index * MAX_DESTINATIONS, (index + 1) * MAX_DESTINATIONS) } });
      await sequent.invocation(await sequent.invoke(name));
    }),
  );
}
