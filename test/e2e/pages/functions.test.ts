import { describe, expect } from 'vitest';
import { formatDuration } from '#src/core/text/format-duration.ts';
import type { FunctionStats, FunctionView } from '#src/gateway/api/functions/function-schemas.ts';
import { until } from '#test/support/conformance/until.ts';
import { startWebSequent, type WebSequent } from '#test/support/web/content/web-sequent.ts';
import { overflowOf, violationsInBothThemes } from '#test/support/web/page-checks.ts';
import { pagesTest } from '#test/support/web/pages-test.ts';

const test = pagesTest(startWebSequent);

const destinations = (...names: string[]) =>
  names.map((name) => ({ destination: 'FunctionGraph', param: JSON.stringify({ func_urn: name }) }));
/** The statistics, once the read model includes so many notified invocations. */
const statsOf = (sequent: WebSequent, name: string, settled: number): Promise<FunctionStats> =>
  until(`${settled} invocations of ${name} are counted`, async () => {
    const stats = await sequent.call<FunctionStats>(`/api/functions/${name}/stats`);
    return stats.total.by_state.notified === settled ? stats : undefined;
  });
const viewOf = (sequent: WebSequent, name: string): Promise<FunctionView> => sequent.call(`/api/functions/${name}`);

describe('the page of all functions', () => {
  test('an empty page shows the command that defines a function', async ({ sequent, browser }) => {
    await using watched = await browser.open(`${sequent.url}/functions`);
    await watched.page.getByText('sequent fn put').waitFor();
    expect(await violationsInBothThemes(watched)).toEqual([]);
  });

  test('functions are listed with their failures, found by words, and sorted by failures', async ({ sequent, browser }) => {
    await sequent.define('amounts', { description: 'adds what is due' });
    await sequent.define('zones', { description: 'knows the time' });
    await Promise.all([sequent.invoke('zones', { throws: 'no zone' }), sequent.invoke('zones'), sequent.invoke('amounts')]);
    await Promise.all([statsOf(sequent, 'zones', 2), statsOf(sequent, 'amounts', 1)]);
    await using watched = await browser.open(`${sequent.url}/functions`, { width: 1280 });
    const { page } = watched;
    const names = () => page.locator('.function-name > a').allTextContents();
    await page.getByRole('link', { name: '1 (50 %)' }).waitFor();
    await expect.poll(names).toEqual(['amounts', 'zones']);
    await page.getByRole('button', { name: 'failing first' }).click();
    await expect.poll(names).toEqual(['zones', 'amounts']);
    await page.keyboard.press('/');
    await page.keyboard.type('due');
    await expect.poll(names).toEqual(['amounts']);
    // The address keeps search and order, so a reload restores them.
    await page.reload();
    await expect.poll(names).toEqual(['amounts']);
    await expect.poll(() => new URL(page.url()).search).toBe('?order=failing+first&q=due');
  });
});

describe('the destination graph', () => {
  test('a destination that would close a loop is refused with the loop, and nothing changes', async ({ sequent, browser }) => {
    await sequent.define('mail');
    await sequent.define('invoice', { policy: { onFailure: destinations('mail') } });
    await sequent.define('order', { policy: { onSuccess: destinations('invoice') } });
    await using watched = await browser.open(`${sequent.url}/functions/mail`);
    const { page } = watched;
    watched.allow(/status of 400/);
    await page.getByRole('button', { name: 'Destinations on success: add a destination' }).click();
    await page.getByLabel('Function', { exact: true }).fill('order');
    await page.getByRole('button', { name: 'Save the policy' }).click();
    await page.getByRole('alert').filter({ hasText: 'mail → order → invoice → mail' }).waitFor();
    expect((await viewOf(sequent, 'mail')).definition.policy.onSuccess).toEqual([]);
    expect(await violationsInBothThemes(watched)).toEqual([]);
  });

  test('an allowed loop is named, drawn and marked', async ({ sequent, browser }) => {
    await using watched = await browser.open(`${sequent.url}/functions/mail`);
    const { page } = watched;
    await page.getByRole('button', { name: 'Destinations on success: add a destination' }).click();
    await page.getByLabel('Function', { exact: true }).fill('order');
    await page.getByLabel('Allow a loop of destinations').check();
    await page.getByRole('button', { name: 'Save the policy' }).click();
    await page
      .getByRole('alert')
      .filter({ hasText: /Loop.*→.*→/ })
      .waitFor();
    await page.goto(`${sequent.url}/functions`);
    for (const mark of [page.getByText('In a loop'), page.locator('.graph-edge.loop'), page.locator('.graph-node.loop')])
      await expect.poll(() => mark.count()).toBe(3);
    expect(await violationsInBothThemes(watched)).toEqual([]);
    await page.setViewportSize({ width: 360, height: 740 });
    expect(await overflowOf(page)).toEqual([]);
    // The same as a list, for screen readers.
    await page.getByText('As a list').click();
    await page.getByRole('listitem').filter({ hasText: 'invoice notifies mail on failure' }).waitFor();
  });
});

describe('the page of a function', () => {
  test('rates, errors, queue age and latency are those of the API, and are drawn over time', async ({ sequent, browser }) => {
    await sequent.define('busy', { concurrency: 1 });
    // All six are accepted before the first ends, and one runs at a time: five are queued during an execution of 30 ms.
    const events = Array.from({ length: 6 }, (_, index) => ({ gate: 'busy', ...(index < 2 ? { throws: 'no' } : { ms: 30 }) }));
    await Promise.all(events.map((event) => sequent.invoke('busy', event)));
    await sequent.openGate('busy');
    const { total } = await statsOf(sequent, 'busy', events.length);
    await using watched = await browser.open(`${sequent.url}/functions/busy`);
    const { page } = watched;
    const figure = (label: string) =>
      page
        .locator('.stats .figures > div')
        .filter({ has: page.getByText(label, { exact: true }) })
        .locator('dd');
    for (const [label, text] of [
      ['Accepted', '6'],
      ['Failed', '2 (33 %)'],
      ['Queue p99', formatDuration(total.queue_ms?.p99 ?? 0)],
      ['Duration p50', formatDuration(total.duration_ms?.p50 ?? 0)],
    ] as const)
      await expect.poll(() => figure(label).textContent()).toBe(text);
    expect(total.queue_ms?.p99).toBeGreaterThan(20);
    await page.getByRole('link', { name: 'UnhandledInvocationError 2' }).waitFor();
    await expect.poll(() => page.locator('.chart canvas').count()).toBe(3);
    await page.waitForFunction("/^\\s*accepted\\s*failed\\s*$/.test(document.querySelector('.chart .u-legend').innerText)");
    const picture = () => page.evaluate<string>("document.querySelector('.chart canvas').toDataURL()");
    const light = await picture();
    await page.emulateMedia({ colorScheme: 'dark' });
    await expect.poll(picture).not.toBe(light);
    await page.setViewportSize({ width: 360, height: 740 });
    expect(await overflowOf(page)).toEqual([]);
  });

  test('configuration, versions and aliases are shown, and only the names of secrets', async ({ sequent, browser }) => {
    await sequent.define('shown', {
      timeoutInMs: 4_000,
      memoryInMb: 128,
      userData: { REGION: 'eu' },
      secretUserData: { PIN: 'never shown' },
    });
    await sequent.run(['fn', 'publish', 'shown', 'v1', '--description', 'the first one']);
    await sequent.run(['fn', 'alias', 'set', 'shown', 'prod', 'v1']);
    await using watched = await browser.open(`${sequent.url}/functions/shown`);
    const { page } = watched;
    const configuration = page.getByRole('region', { name: 'Configuration' });
    await expect.poll(() => configuration.textContent()).toMatch(/scripted-function\.mjs.*4 s.*128 MB.*REGION = eu.*PIN is a secret/);
    expect(await page.content()).not.toContain('never shown');
    const versions = page.getByRole('region', { name: 'Versions and aliases' });
    await expect.poll(() => versions.textContent()).toMatch(/!prod → v1.*v1.*the first one/);
    expect(await violationsInBothThemes(watched)).toEqual([]);
  });

  test('an invalid policy is refused at its fields, with the messages of the API', async ({ sequent, browser }) => {
    await sequent.define('strict');
    await using watched = await browser.open(`${sequent.url}/functions/strict`);
    const { page } = watched;
    watched.allow(/status of 400/);
    await page.getByLabel('Maximum age').fill('2d');
    await page.getByLabel('Jitter').fill('much');
    await page.getByRole('button', { name: 'Save the policy' }).click();
    const refusal = await fetch(`${sequent.url}/api/functions/strict/policy`, {
      method: 'PATCH',
      headers: { 'content-type': 'application/json', 'if-match': '*' },
      body: JSON.stringify({ maxAgeInSeconds: 172_800, backoff: { initialInMs: 1_000, factor: 2, maxInMs: 60_000, jitter: 'much' } }),
    });
    const { errors } = (await refusal.json()) as { errors: { pointer: string; detail: string }[] };
    for (const [label, pointer] of [
      ['Maximum age', '/maxAgeInSeconds'],
      ['Jitter', '/backoff/jitter'],
    ] as const) {
      const field = page.locator('.field').filter({ has: page.getByLabel(label) });
      await expect.poll(() => field.locator('small').textContent()).toBe(errors.find((error) => error.pointer === pointer)?.detail);
      await expect.poll(() => page.getByLabel(label).getAttribute('aria-invalid')).toBe('true');
    }
    expect((await viewOf(sequent, 'strict')).definition.policy.maxAgeInSeconds).not.toBe(172_800);
  });

  test('a NATS subject that no stream stores is refused, and accepted once the switch says so', async ({ sequent, browser }) => {
    await sequent.define('tells');
    await using watched = await browser.open(`${sequent.url}/functions/tells`);
    const { page } = watched;
    watched.allow(/status of 400/);
    await page.getByRole('button', { name: 'Destinations on success: add a destination' }).click();
    await page.getByLabel('Destinations on success, destination 1: kind').selectOption('NATS');
    await page.getByLabel('Subject', { exact: true }).fill('news.orders');
    await page.getByRole('button', { name: 'Save the policy' }).click();
    await page.getByRole('alert').filter({ hasText: 'no stream stores subject "news.orders"' }).waitFor();
    await page.getByLabel('Refuse the subject when no stream stores it').uncheck();
    expect(await violationsInBothThemes(watched)).toEqual([]);
    await page.getByRole('button', { name: 'Save the policy' }).click();
    await expect
      .poll(async () => (await viewOf(sequent, 'tells')).definition.policy.onSuccess.map(({ param }) => JSON.parse(param)))
      .toEqual([{ subject: 'news.orders', stored: false }]);
    await page.reload();
    await expect.poll(() => page.getByLabel('Refuse the subject when no stream stores it').isChecked()).toBe(false);
  });

  test('a policy changed meanwhile is not overwritten, and typed values survive a pause', async ({ sequent, browser }) => {
    await sequent.define('shared');
    await using watched = await browser.open(`${sequent.url}/functions/shared`);
    const { page } = watched;
    watched.allow(/status of 412/);
    await page.getByLabel('Retries').selectOption('3');
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByRole('button', { name: 'Resume' }).click();
    await page.getByRole('button', { name: 'Pause' }).waitFor();
    expect(await page.getByLabel('Retries').inputValue()).toBe('3');
    const headers = { 'if-match': '*' };
    await sequent.call('/api/functions/shared/policy', { method: 'PATCH', body: { maxAgeInSeconds: 77 }, headers });
    await page.getByRole('button', { name: 'Save the policy' }).click();
    await page.getByText('Refused: it was changed meanwhile').waitFor();
    expect((await viewOf(sequent, 'shared')).definition.policy).toMatchObject({ maxAgeInSeconds: 77 });
    await page.getByRole('button', { name: 'Load the saved policy' }).click();
    await expect.poll(() => page.getByLabel('Maximum age').inputValue()).toBe('77s');
    await page.getByLabel('Retries').selectOption('3');
    await page.getByRole('button', { name: 'Save the policy' }).click();
    await expect
      .poll(async () => (await viewOf(sequent, 'shared')).definition.policy)
      .toMatchObject({ maxRetries: 3, maxAgeInSeconds: 77 });
  });

  test('a paused function starts nothing until it is resumed', async ({ sequent, browser }) => {
    await sequent.define('held');
    await using watched = await browser.open(`${sequent.url}/functions/held`);
    const { page } = watched;
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByText('Paused', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Invoke…' }).click();
    await page.getByText('waits until the function is resumed').waitFor();
    expect(await violationsInBothThemes(watched)).toEqual([]);
    const id = await sequent.invoke('held');
    await page.keyboard.press('Escape');
    expect((await sequent.invocation(id, () => true)).state).toBe('queued');
    await page.getByRole('button', { name: 'Resume' }).click();
    await sequent.invocation(id);
  });

  test('a test event invokes the chosen version, and the page of the invocation opens', async ({ sequent, browser }) => {
    await sequent.define('tried');
    await sequent.run(['fn', 'publish', 'tried', 'v7']);
    await using watched = await browser.open(`${sequent.url}/functions/tried`);
    const { page } = watched;
    await page.getByRole('button', { name: 'Invoke…' }).click();
    const invoke = page.getByRole('button', { name: 'Invoke', exact: true });
    await page.getByRole('dialog').getByRole('textbox').fill('{"returns": ');
    await expect.poll(() => invoke.isDisabled()).toBe(true);
    await page.getByRole('dialog').getByRole('textbox').fill('{"returns": {"total": 12}}');
    await page.getByLabel('Version or alias').selectOption('v7');
    await invoke.click();
    await page.waitForURL(/\/invocations\/.+/);
    const id = new URL(page.url()).pathname.split('/').at(-1) ?? '';
    expect(await sequent.invocation(id)).toMatchObject({ function: 'tried', qualifier: 'v7', status: 'SUCCESS' });
  });

  test('the page of a function that is not defined links to its invocations', async ({ sequent, browser }) => {
    await using watched = await browser.open(`${sequent.url}/functions/gone`);
    watched.allow(/status of 404/);
    await watched.page.getByText('There is no such function').waitFor();
    await watched.page.getByRole('link', { name: 'its invocations' }).click();
    await watched.page.waitForURL((url) => url.search === '?function=gone');
  });
});
