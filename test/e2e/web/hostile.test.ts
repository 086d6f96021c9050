import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isBareName } from '#src/core/names/names.ts';
import { answer, openReceiver, type Receiver } from '#test/support/destinations/receiver.ts';
import { openBrowser, type TestBrowser, type WatchedPage } from '#test/support/web/browser.ts';
import { harmDone, hostileStrings } from '#test/support/web/hostile-strings.ts';
import { startWebSequent, type WebSequent } from '#test/support/web/web-sequent.ts';

let receiver: Receiver;
let sequent: WebSequent;
let browser: TestBrowser;
/** The strings, two and two. */
const pairs = Array.from(
  { length: hostileStrings.length / 2 },
  (_, place) => hostileStrings.slice(2 * place, 2 * place + 2) as [string, string],
);
/** One for each pair: both strings are in its payload, its output, and its error, and in what every second one returns at last. */
let invocations: string[];
beforeAll(async () => {
  receiver = await openReceiver(answer(404));
  const connections = { http: { kind: 'http', allowPrivate: true, allowHttp: true, ports: [receiver.port] } };
  [sequent, browser] = await Promise.all([startWebSequent({ connections }), openBrowser()]);
  await sequent.define('hostile', { policy: { maxRetries: 1, backoff: { initialInMs: 100, factor: 1, maxInMs: 100, jitter: 0 } } });
  const events = pairs.map(([one, other], place) => ({
    prints: `${one}\n${other}`,
    [one]: other,
    [other]: one,
    throws: one,
    named: other,
    ...(place % 2 === 0 ? {} : { fails: 1, returns: { [one]: [other] } }),
  }));
  invocations = await Promise.all(events.map((event) => sequent.invoke('hostile', event)));
  for (const id of invocations) await sequent.invocation(id);
});
afterAll(async () => {
  await browser?.[Symbol.asyncDispose]();
  await sequent?.[Symbol.asyncDispose]();
  await receiver?.[Symbol.asyncDispose]();
});

/** A page on which a question that a script asks is answered, and told. The browser tells what its policy blocked by itself. */
async function openWary(path: string, width = 1280): Promise<WatchedPage & { harm: () => Promise<string[]> }> {
  const watched = await browser.open(sequent.url + path, { width });
  const asked: string[] = [];
  watched.page.on('dialog', (dialog) => {
    asked.push(`a dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  const harm = async () => [...asked, ...(await watched.page.evaluate<string[]>(harmDone))];
  return Object.assign(watched, { harm });
}

/** Goes to another page of the same document, as a link does. */
async function goTo(page: Page, path: string): Promise<void> {
  await page.evaluate(`history.pushState(null, '', ${JSON.stringify(path)}); dispatchEvent(new PopStateEvent('popstate'))`);
}

describe('200 hostile strings', () => {
  test('are two hundred, and each is another', () => {
    expect([hostileStrings.length, new Set(hostileStrings).size]).toEqual([200, 200]);
  });

  test.each([1280, 360])(
    'as payload, output, error, error name and result do nothing on the page of an invocation, %i px',
    async (width) => {
      await using watched = await openWary(`/invocations/${invocations[0]}`, width);
      const { page } = watched;
      const harm: string[] = [];
      // Half of them in each width, the other half in the other.
      const places = [...invocations.keys()].filter((place) => (place >> 1) % 2 === (width === 1280 ? 0 : 1));
      for (const [step, place] of places.entries()) {
        await goTo(page, `/invocations/${invocations[place]}`);
        await page
          .getByText(invocations[place] ?? '')
          .first()
          .waitFor();
        // As the story of its events, as all of them, and as they are stored.
        if (step % 10 === 0)
          await page.getByRole('button', { name: ['all', 'JSON', 'compact'][(step / 10) % 3] ?? '', exact: true }).click();
        for (const one of await watched.harm()) harm.push(`${nameOf(place)}: ${one}`);
      }
      expect(harm).toEqual([]);
    },
  );

  test('in the dialog that runs it again do nothing', async () => {
    await using watched = await openWary('/system', 360);
    const harm: string[] = [];
    for (const place of [...invocations.keys()].filter((one) => one % 10 === 0)) {
      await goTo(watched.page, `/invocations/${invocations[place]}`);
      await watched.page.getByRole('button', { name: 'Redrive…' }).click();
      await watched.page.getByRole('dialog').waitFor();
      for (const one of await watched.harm()) harm.push(`${nameOf(place)}: ${one}`);
    }
    expect(harm).toEqual([]);
  });

  test.each([1280, 360])('do nothing in the list of invocations, %i px wide', async (width) => {
    await using watched = await openWary('/', width);
    const { page } = watched;
    await page.getByText(invocations.at(-1) ?? '').waitFor();
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

  test('as names of functions are refused, or are names like others', async () => {
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
    expect(hostileStrings.filter((_, place) => accepted[place])).toEqual(hostileStrings.filter(isBareName));
    // `constructor` and `toString` are among them.
    expect(accepted.filter((one) => one).length).toBeGreaterThan(5);
  });

  test('as descriptions, settings and targets do nothing on the other pages', async () => {
    await defineDescribed();
    await tellHostileTargets();
    for (const width of [1280, 360]) {
      await using watched = await openWary('/functions', width);
      const { page } = watched;
      const described = Array.from({ length: DESCRIBED }, (_, place) => [`/functions/described${place}`, 'Versions and aliases'] as const);
      const pages = [
        ['/functions', 'Who is told'],
        ['/functions/telling0', 'Who is told'],
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

  test('in the address do nothing on any page', async () => {
    await using watched = await openWary('/system');
    const { page } = watched;
    // Most of them are no names, and the gateway says so.
    watched.allow(/status of 40[04]/);
    const harm: string[] = [];
    for (const [place, texts] of pairs.entries()) {
      const [one, other] = texts.map((text) => encodeURIComponent(wellFormed(text.slice(0, 500))));
      const paths = [
        `/invocations/${one}?event=${other}`,
        `/functions/${one}`,
        `/functions?q=${one}&order=${other}`,
        `/?text=${one}&function=${other}`,
        `/dead-letters?function=${one}&cursor=${other}`,
      ];
      await goTo(page, paths[place % paths.length] ?? '/');
      await page.locator('.skeleton').first().waitFor({ state: 'detached' });
      for (const one of await watched.harm()) harm.push(`${nameOf(place)}: ${one}`);
    }
    expect(harm).toEqual([]);
  });
});

function nameOf(place: number): string {
  return JSON.stringify(pairs[place]?.map((text) => text.slice(0, 60)));
}

/** Without halves of characters, which no address can hold. */
function wellFormed(text: string): string {
  return text.replace(/\p{Cs}/gu, '\ufffd');
}

const DESCRIBED = 10;
/** As many as a policy may name. */
const TOLD = 10;

/** Functions that nobody invokes, with the strings wherever a definition may hold a text. */
async function defineDescribed(): Promise<void> {
  const size = hostileStrings.length / DESCRIBED;
  for (let place = 0; place < DESCRIBED; place++) {
    const own = hostileStrings.slice(place * size, (place + 1) * size);
    const description = own.map((text) => text.slice(0, 480 / size)).join(' ');
    const userData = Object.fromEntries(own.map((text) => [text, text]));
    await sequent.define(`described${place}`, { description, handler: { kind: 'subject', subject: 'nobody' }, userData });
  }
}

/** Sixty outcomes for addresses that hold a string, each of which becomes a dead letter. */
async function tellHostileTargets(): Promise<void> {
  await sequent.define('probe');
  const headers = { 'if-match': '*' };
  const targets: object[] = [];
  for (const text of hostileStrings) {
    if (targets.length === 60) break;
    const target = { destination: 'HTTP', param: JSON.stringify({ url: `${receiver.url}/?${text}` }) };
    const body = { onSuccess: [target] };
    // Not every string can be in an address.
    const answered = await sequent.call('/api/functions/probe/policy', { method: 'PATCH', body, headers }).catch(() => undefined);
    if (answered !== undefined) targets.push(target);
  }
  expect(targets.length).toBe(60);
  const names = Array.from({ length: targets.length / TOLD }, (_, place) => `telling${place}`);
  await Promise.all(
    names.map(async (name, place) => {
      await sequent.define(name, { policy: { onSuccess: targets.slice(place * TOLD, (place + 1) * TOLD) } });
      await sequent.invocation(await sequent.invoke(name));
    }),
  );
}
