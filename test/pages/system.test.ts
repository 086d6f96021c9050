import type { Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { InvocationView } from '#src/gateway/api/invocations/invocation-schemas.ts';
import type { SystemView } from '#src/gateway/api/system/system-schemas.ts';
import { natsOptionsOf } from '#src/nats/transport/connection/connect-options.ts';
import { openConnection } from '#src/nats/transport/connection/connection.ts';
import { answer, openReceiver, type Receiver } from '#test/support/destinations/receiver.ts';
import { UNTIL_ALL_ANSWER } from '#test/support/role-answers.ts';
import { openBrowser, type TestBrowser } from '#test/support/web/browser.ts';
import { functionDestination, startWebSequent, type WebSequent } from '#test/support/web/content/web-sequent.ts';
import { overflowOf, violationsInBothThemes } from '#test/support/web/page-checks.ts';

let receiver: Receiver;
let sequent: WebSequent;
let browser: TestBrowser;
beforeAll(async () => {
  // Refuses three deliveries, which become dead, and accepts all later ones.
  receiver = await openReceiver(answer(404), answer(404), answer(404), answer(200));
  const connections = { http: { kind: 'http', allowPrivate: true, allowHttp: true, ports: [receiver.port] } };
  [sequent, browser] = await Promise.all([startWebSequent({ isGatewaySeparate: true, connections }), openBrowser()]);
});
afterAll(async () => {
  await browser[Symbol.asyncDispose]();
  await sequent[Symbol.asyncDispose]();
  await receiver[Symbol.asyncDispose]();
});

describe('the page of the system', () => {
  test('a healthy system shows its roles with their processes, and how the log is stored', async () => {
    await using watched = await browser.open(`${sequent.url}/system`);
    const { page } = watched;
    await page.getByText('Healthy').waitFor();
    const roles = await vi.waitFor(async () => {
      const listed = (await sequent.call<SystemView>('/api/system')).roles;
      // The gateway is a process of its own beside that of the other roles.
      expect(new Set(listed.map(({ instance }) => instance)).size).toBeGreaterThan(1);
      return listed;
    }, UNTIL_ALL_ANSWER);
    const instances = page.getByRole('region', { name: 'Roles and instances' }).first();
    for (const { role, instance, pid } of roles) {
      const row = instances.getByRole('row').filter({ hasText: instance });
      await expect.poll(() => row.textContent()).toMatch(new RegExp(`${role}.*${pid}.*in sync`));
    }
    await instances.getByText(/isolation: (?:namespaces|users|missing|none)/).waitFor();
    const figures = page.locator('.figures');
    await expect.poll(() => figures.textContent()).toContain('a power cut loses at most the last 100 ms');
    await expect
      .poll(() => figures.textContent())
      .toMatch(/Log\d+ messages.*JetStream storage.*Consumers\d+of at most 100,000.*Replicas1on file/);
    await page.getByRole('region', { name: 'Read model' }).getByText('includes the whole log').waitFor();
    expect(await violationsInBothThemes(watched)).toEqual([]);
    await page.setViewportSize({ width: 360, height: 740 });
    expect(await overflowOf(page)).toEqual([]);
  });

  test('a read model that is behind the log has its distance, in messages and in time', async () => {
    await using watched = await browser.open(`${sequent.url}/`);
    const { page } = watched;
    // A real one is behind for half a second, which no test can meet.
    await page.route('**/api/system', async (route) => {
      const response = await route.fetch();
      const system = (await response.json()) as SystemView;
      await route.fulfill({ response, json: { ...system, projection: { ...system.projection, lag: 900, lag_ms: 700 } } });
    });
    await page.goto(`${sequent.url}/system`);
    const card = page.getByRole('region', { name: 'Read model' });
    await card.getByText('900 messages, 700 ms').waitFor();
    await page.unrouteAll();
    await card.getByText('no message').waitFor();
  });

  test('the log is verified, and the balance is shown', async () => {
    await sequent.define('counted');
    const ids = await Promise.all(Array.from({ length: 5 }, () => sequent.invoke('counted')));
    for (const id of ids) await sequent.invocation(id);
    await using watched = await browser.open(`${sequent.url}/system`);
    await watched.page.getByRole('button', { name: 'Verify the log' }).click();
    await watched.page.getByText('No rule is broken').waitFor();
    await watched.page.getByText('5 accepted, 5 settled, 0 open').waitFor();
    expect(await watched.violations()).toEqual([]);
  });

  test('the queues and the oldest open invocation are shown', async () => {
    // The attempt lasts until the test opens its gate.
    await sequent.define('held', { timeoutInMs: 600_000 });
    const id = await sequent.invoke('held', { gate: 'night' });
    await using watched = await browser.open(`${sequent.url}/system`);
    const { page } = watched;
    const row = page.getByRole('region', { name: 'Queues', exact: true }).getByRole('row').filter({ hasText: 'held' });
    // One message is at work, and one more with each wake: the scheduler's patience is a second here. A pause of the machine redelivers some.
    await expect.poll(() => row.textContent()).toMatch(/^heldworker0–[1-9]\d+ yes$/);
    const worker = page.getByRole('region', { name: 'Roles and instances' }).first().getByRole('row').filter({ hasText: 'worker' });
    await expect.poll(() => worker.textContent()).toMatch(/1 of \d+/);
    // The scheduler reports the oldest invocation every few seconds, and the page polls.
    await page.getByRole('link', { name: id }).waitFor();
    expect(await violationsInBothThemes(watched)).toEqual([]);
    await sequent.openGate('night');
    await sequent.invocation(id);
  });

  test('a paused function with waiting requests is an issue, and its invocation names the same reason', async () => {
    await sequent.define('halted');
    await sequent.call('/api/functions/halted/pause', { method: 'POST' });
    const id = await sequent.invoke('halted');
    await using watched = await browser.open(`${sequent.url}/system`);
    const { page } = watched;
    const issue = page.getByRole('listitem').filter({ hasText: 'The requests of halted wait' });
    await expect
      .poll(() => issue.textContent())
      .toMatch(/1 request waits: halted is paused and starts no attempt.*sequent fn resume halted/);
    const queue = page.getByRole('region', { name: 'Queues', exact: true }).getByRole('row').filter({ hasText: 'halted' });
    await expect.poll(() => queue.getByRole('time').count()).toBe(1);
    const { lags } = await sequent.call<SystemView>('/api/system');
    expect(lags.find(({ name }) => name === 'halted')?.oldest_at).toBe((await sequent.invocation(id, () => true)).accepted_at);
    expect(await violationsInBothThemes(watched)).toEqual([]);
    await page.setViewportSize({ width: 360, height: 740 });
    expect(await overflowOf(page)).toEqual([]);
    await page.setViewportSize({ width: 1_280, height: 900 });
    await page.goto(`${sequent.url}/invocations/${id}`);
    const verdict = page.locator('.verdict');
    await expect.poll(() => verdict.textContent()).toMatch(/It has waited for .*: halted is paused.*To do: sequent fn resume halted/);
    await page.getByRole('button', { name: /queued.*halted is paused and starts no attempt/ }).waitFor();
    expect(await violationsInBothThemes(watched)).toEqual([]);
    await page.setViewportSize({ width: 360, height: 740 });
    expect(await overflowOf(page)).toEqual([]);
    await sequent.call('/api/functions/halted/resume', { method: 'POST' });
    await sequent.invocation(id);
    // The wait changed without an event of the log, and the page shows its end.
    await verdict.waitFor({ state: 'detached' });
  });

  test('a function whose responder is missing is an issue with its remedy, until a responder answers', { timeout: 300_000 }, async () => {
    const handler = { kind: 'subject', subject: 'prices.ask' };
    await sequent.call('/api/functions/asks', { method: 'PUT', body: { handler } });
    const id = await sequent.invoke('asks');
    await using watched = await browser.open(`${sequent.url}/system`);
    const { page } = watched;
    const issue = page.getByRole('listitem').filter({ hasText: 'The platform cannot run asks' });
    await expect
      .poll(() => issue.textContent(), { timeout: 60_000 })
      .toMatch(/1 invocation.*no process answers on the subject "prices\.ask".*try: start a responder on the subject prices\.ask/);
    expect(await violationsInBothThemes(watched)).toEqual([]);
    await page.setViewportSize({ width: 360, height: 740 });
    expect(await overflowOf(page)).toEqual([]);
    const responder = await openConnection(natsOptionsOf(sequent.address));
    responder.nats.subscribe('prices.ask', { callback: (_, message) => void message.respond('{"price":7}') });
    await responder.nats.flush();
    // The delay after a failure of the platform grows to a minute.
    const result = async () => (await sequent.call<InvocationView>(`/api/invocations/${id}`)).result?.payload;
    await expect.poll(result, { timeout: 150_000 }).toBe('{"price":7}');
    await issue.waitFor({ state: 'detached' });
    await responder.close();
  });

  test('an unreachable gateway is reported, the last content stays, and a retry continues', async () => {
    await using watched = await browser.open(`${sequent.url}/system`);
    const { page } = watched;
    watched.allow(/Failed to load resource/);
    await page.getByText('Healthy').waitFor();
    await page.context().setOffline(true);
    await page.getByRole('button', { name: 'Reload' }).click();
    await page.getByText('The gateway does not answer').waitFor();
    await page.getByText('Healthy').waitFor();
    await page.context().setOffline(false);
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByRole('alert').waitFor({ state: 'detached' });
  });
});

/** The rows of the list, without those of the groups. */
function lettersOn(page: Page): Locator {
  return page.getByRole('region', { name: 'Dead letters' }).first().locator('tbody tr');
}

/** Deletes a function that is a destination: only a function that exists can be named, and what is sent to a deleted one is a dead letter. */
const forget = (name: string): Promise<void> => sequent.call(`/api/functions/${name}`, { method: 'DELETE' });

describe('the page of the dead letters', () => {
  test('an empty page shows the command that lists dead letters', async () => {
    await using watched = await browser.open(`${sequent.url}/dead-letters`);
    await watched.page.getByText('sequent dest dead ls').waitFor();
    expect(await violationsInBothThemes(watched)).toEqual([]);
  });

  test('each dead letter has its reason, and one or all are delivered again', async () => {
    const param = JSON.stringify({ url: `${receiver.url}/hook` });
    await sequent.define('orders', { policy: { onSuccess: [{ destination: 'HTTP', param }] } });
    const ids = await Promise.all([1, 2, 3].map((order) => sequent.invoke('orders', { order })));
    for (const id of ids) await sequent.invocation(id);
    await using watched = await browser.open(`${sequent.url}/dead-letters`);
    const { page } = watched;
    const rows = lettersOn(page);
    await expect.poll(() => rows.count()).toBe(3);
    await expect.poll(() => rows.first().textContent()).toMatch(/orders.*HTTP 127\.0\.0\.1:\d+\/hook.*answered 404/);
    expect(await violationsInBothThemes(watched)).toEqual([]);
    await page.setViewportSize({ width: 360, height: 740 });
    expect(await overflowOf(page)).toEqual([]);

    await rows.first().getByRole('button', { name: 'Deliver again…' }).click();
    await page.getByRole('button', { name: 'Deliver again', exact: true }).click();
    await expect.poll(() => receiver.received.length).toBe(4);
    await expect.poll(() => rows.count()).toBe(2);
    await page.getByRole('button', { name: 'Deliver all again…' }).click();
    expect(await violationsInBothThemes(watched)).toEqual([]);
    await page.getByRole('button', { name: 'Deliver 2 again' }).click();
    await page.getByText('2 are tried again.').waitFor();
    await page.getByRole('button', { name: 'Close' }).last().click();
    await page.getByText('No dead letters').waitFor();
    await expect.poll(() => receiver.received.length).toBe(5 + 1);
  });

  test('a dead letter is dismissed with a note, which its invocation shows', async () => {
    await sequent.define('nobody');
    await sequent.define('lonely', { policy: { onSuccess: [functionDestination('nobody')] } });
    await forget('nobody');
    const id = await sequent.invoke('lonely');
    await sequent.invocation(id);
    await using watched = await browser.open(`${sequent.url}/system`);
    const { page } = watched;
    const issue = page.getByRole('listitem').filter({ hasText: /dead (?:letter|deliver)/ });
    await issue.first().waitFor();
    await page.goto(`${sequent.url}/dead-letters`);
    await page.getByRole('row').filter({ hasText: id }).getByRole('button', { name: 'Dismiss…' }).click();
    const dialog = page.getByRole('dialog', { name: 'Dismiss the dead letter' });
    expect(await dialog.getByRole('button', { name: 'Dismiss the dead letter' }).isDisabled()).toBe(true);
    await dialog.getByLabel('Note').fill('nobody needs it');
    expect(await violationsInBothThemes(watched)).toEqual([]);
    await page.keyboard.press('Tab');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.getByText('No dead letters').waitFor();
    await page.goto(`${sequent.url}/system`);
    await page.getByText('Healthy').waitFor();
    expect(await issue.count()).toBe(0);
    await page.goto(`${sequent.url}/invocations/${id}`);
    const deliveries = page.getByRole('region', { name: 'Deliveries' });
    await deliveries.getByText('dismissed: nobody needs it').waitFor();
    await deliveries.getByRole('button', { name: 'Deliver again…' }).waitFor();
    expect(await violationsInBothThemes(watched)).toEqual([]);
  });

  test('letters are counted in groups, and a group becomes the filter of the list and of bulk actions', async () => {
    for (const name of ['nobody', 'nowhere']) await sequent.define(name);
    await sequent.define('alone', { policy: { onSuccess: [functionDestination('nobody')] } });
    await sequent.define('other', { policy: { onFailure: [functionDestination('nowhere')] } });
    for (const name of ['nobody', 'nowhere']) await forget(name);
    const ids = await Promise.all([sequent.invoke('alone'), sequent.invoke('alone'), sequent.invoke('other', { throws: 'card declined' })]);
    for (const id of ids) await sequent.invocation(id);
    await using watched = await browser.open(`${sequent.url}/dead-letters`);
    const { page } = watched;
    const letters = lettersOn(page);
    const groups = page.getByRole('region', { name: 'Groups' }).first();
    const counts = () => groups.locator('tbody tr').allTextContents();
    await expect.poll(counts).toEqual([expect.stringMatching(/^2aloneFunctionGraph .*nobody/), expect.stringMatching(/^1other/)]);
    await expect.poll(() => letters.count()).toBe(3);
    expect(await violationsInBothThemes(watched)).toEqual([]);
    await page.setViewportSize({ width: 360, height: 740 });
    expect(await overflowOf(page)).toEqual([]);
    await page.setViewportSize({ width: 1_280, height: 900 });
    await groups.getByRole('button', { name: 'by function' }).click();
    await expect.poll(counts).toEqual([expect.stringMatching(/^2aloneShow/), expect.stringMatching(/^1otherShow/)]);
    await groups.getByRole('button', { name: 'cause and target' }).click();
    await groups.getByRole('button', { name: 'Show only these' }).first().click();
    await expect.poll(() => letters.count()).toBe(2);
    await page.getByRole('button', { name: 'of alone' }).waitFor();
    await page.reload();
    await expect.poll(() => letters.count()).toBe(2);
    await page.getByRole('button', { name: 'Dismiss all…' }).click();
    await page.getByLabel('Note').fill('nobody needs them');
    await page.getByRole('dialog').getByRole('button', { name: 'Dismiss all' }).click();
    await page.getByText('No dead letter matches').waitFor();
    await page.goto(`${sequent.url}/dead-letters`);
    await expect.poll(() => letters.allTextContents()).toEqual([expect.stringMatching(/^other/)]);
  });
});

describe('every page', () => {
  test('remembers the chosen theme and time zone', async () => {
    await using watched = await browser.open(`${sequent.url}/system`, { theme: 'light' });
    const { page } = watched;
    const ground = () => page.evaluate<string>('getComputedStyle(document.documentElement).backgroundColor');
    const light = await ground();
    // The theme of the system, then light, then dark.
    await page.getByRole('button', { name: /^Colours: system/ }).click();
    await page.getByRole('button', { name: /^Colours: light/ }).click();
    await page.getByRole('button', { name: /^Colours: dark/ }).waitFor();
    await expect.poll(ground).not.toBe(light);
    await page.getByRole('button', { name: 'Local' }).click();
    await page.reload();
    await page.getByRole('button', { name: 'UTC' }).waitFor();
    await expect.poll(ground).not.toBe(light);
    await expect.poll(() => page.locator('time').first().getAttribute('title')).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} UTC$/);
  });
});
