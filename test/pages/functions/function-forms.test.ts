import { expect } from 'vitest';
import { z } from 'zod';
import { defineFunction, startWorker } from '#src/client/client.ts';
import type { FunctionView, SavedEvents } from '#src/gateway/api/functions/function-schemas.ts';
import type { InvocationRow } from '#src/gateway/api/invocations/invocation-schemas.ts';
import type { TestBrowser } from '#test/support/web/browser.ts';
import { startWebSequent, type WebSequent } from '#test/support/web/content/web-sequent.ts';
import { holdAnswers } from '#test/support/web/hold-answers.ts';
import { overflowOf, violationsInBothThemes } from '#test/support/web/page-checks.ts';
import { pagesTest } from '#test/support/web/pages-test.ts';

const secret = { env: 'TEST_SECRET' };
const connections = {
  obs: { kind: 'obs', endpoint: 'https://obs.example.com', accessKeyId: 'a-key', secretAccessKey: secret },
  smn: {
    kind: 'smn',
    topics: { outcomes: { subscriptions: [{ protocol: 'https', endpoint: 'https://hooks.example.com/outcomes', secret }] } },
  },
};
const test = pagesTest(() => startWebSequent({ connections, env: { TEST_SECRET: 'whsec_c2VjcmV0IG9mIGEgdGVzdCBvZiBwYWdlcw==' } }));

type Opened = { sequent: WebSequent; browser: TestBrowser };

async function openFunction({ sequent, browser }: Opened, name: string, options?: Parameters<TestBrowser['open']>[1]) {
  return await browser.open(`${sequent.url}/functions/${name}`, options);
}

test('nothing on the page of a function moves when its statistics come', async ({ sequent, browser }) => {
  await sequent.define('steady');
  await sequent.invocation(await sequent.invoke('steady'));
  await using watched = await browser.open('about:blank');
  const { page } = watched;
  const { release } = await holdAnswers(page, /\/stats\?/);
  await page.goto(`${sequent.url}/functions/steady`);
  const statistics = page.getByRole('region', { name: 'Statistics' });
  await expect.poll(() => statistics.locator('dd', { hasText: '…' }).count()).toBe(10);
  const before = await statistics.boundingBox();
  release();
  await statistics.locator('canvas').first().waitFor();
  expect(await statistics.locator('dd', { hasText: '…' }).count()).toBe(0);
  expect(await statistics.boundingBox()).toEqual(before);
});

test('a condition of a destination is refused with the reason, kept, and shown where it does not hold', async ({ sequent, browser }) => {
  await sequent.define('desk');
  await sequent.define('picky');
  await using watched = await openFunction({ sequent, browser }, 'picky');
  const { page } = watched;
  watched.allow(/status of 400/);
  await page.getByRole('button', { name: 'Destinations on success: add a destination' }).click();
  await page.getByLabel('Function', { exact: true }).fill('desk');
  const condition = page.getByLabel('Destinations on success, destination 1: only when');
  await condition.fill('{"of":"attempts"}');
  await page.getByRole('button', { name: 'Save the policy' }).click();
  await page.getByRole('alert').filter({ hasText: 'has no operator; write one of equals, in, less, greater' }).waitFor();
  await condition.fill('{"of":"attempts","greater":1}');
  await page.getByRole('button', { name: 'Save the policy' }).click();
  await expect
    .poll(async () => (await sequent.call<FunctionView>('/api/functions/picky')).definition.policy.onSuccess[0]?.when)
    .toEqual({ of: 'attempts', greater: 1 });
  await page.reload();
  await expect.poll(() => condition.inputValue()).toBe('{"of":"attempts","greater":1}');
  await page.getByText('As a list').click();
  await page.getByRole('listitem').filter({ hasText: 'picky notifies desk on success, when attempts greater 1' }).waitFor();
  expect(await violationsInBothThemes(watched)).toEqual([]);
  const id = await sequent.invoke('picky');
  await sequent.invocation(id);
  await page.goto(`${sequent.url}/invocations/${id}`);
  await page
    .getByRole('listitem')
    .filter({ hasText: /Not sent.*functiongraph-0.*when attempts greater 1 does not hold/s })
    .waitFor();
  expect(await violationsInBothThemes(watched)).toEqual([]);
});

test('limits and user data are edited, and a function is deleted after its dependents are shown', async ({ sequent, browser }) => {
  await sequent.define('wanted');
  const policy = { onFailure: [{ destination: 'FunctionGraph', param: JSON.stringify({ func_urn: 'wanted' }) }] };
  await sequent.define('wants', { policy, secretUserData: { PIN: 'kept' } });
  await using watched = await openFunction({ sequent, browser }, 'wants');
  const { page } = watched;
  watched.allow(/status of 400/);
  await page.getByRole('button', { name: 'Edit…' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Timeout').fill('2.5s');
  await dialog.getByLabel('Memory').fill('320MB');
  await dialog.getByRole('textbox', { name: /^Concurrency/ }).fill('7');
  await dialog.getByLabel('Largest payload').fill('1000000B');
  await dialog.getByLabel('Kept output').fill('70B');
  await dialog.getByRole('textbox', { name: /^User data/ }).fill('CITY=Paris=Nord');
  await dialog.getByRole('button', { name: 'Save the configuration' }).click();
  await dialog.getByText('the kept output').waitFor();
  await dialog.getByLabel('Kept output').fill('70000B');
  await dialog.getByRole('button', { name: 'Save the configuration' }).click();
  await dialog.waitFor({ state: 'detached' });
  const { definition } = await sequent.call<FunctionView>('/api/functions/wants');
  expect(definition).toMatchObject({ memoryInMb: 320, concurrency: 7, maxPayloadBytes: 1_000_000, maxOutputBytes: 70_000 });
  expect(definition).toMatchObject({ timeoutInMs: 2_500, userData: { CITY: 'Paris=Nord' }, secretUserData: { PIN: '******' } });
  await page.getByRole('region', { name: 'Configuration' }).getByText('68 KB').waitFor();
  // An empty field is the default again.
  await page.getByRole('button', { name: 'Edit…' }).click();
  await dialog.getByLabel('Kept output').fill('');
  await dialog.getByRole('button', { name: 'Save the configuration' }).click();
  await dialog.waitFor({ state: 'detached' });
  expect((await sequent.call<FunctionView>('/api/functions/wants')).definition.maxOutputBytes).toBeUndefined();
  await page.goto(`${sequent.url}/functions/wanted`);
  await page.getByRole('button', { name: 'Delete…' }).click();
  await dialog.getByText('notifies this function on failure').waitFor();
  expect(await violationsInBothThemes(watched)).toEqual([]);
  await dialog.getByRole('textbox').fill('wanted');
  await dialog.getByRole('button', { name: 'Delete the function' }).click();
  await page.waitForURL(`${sequent.url}/functions`);
  await expect.poll(() => page.locator('.function-name > a').allTextContents()).not.toContain('wanted');
});

test('destinations of every kind have a form, whose mistakes are refused with the reason', async ({ sequent, browser }) => {
  await sequent.define('sends');
  await using watched = await openFunction({ sequent, browser }, 'sends');
  const { page } = watched;
  watched.allow(/status of 400/);
  const save = page.getByRole('button', { name: 'Save the policy' });
  const add = async (kind: string, number: number) => {
    await page.getByRole('button', { name: 'Destinations on success: add a destination' }).click();
    await page.getByLabel(`Destinations on success, destination ${number}: kind`).selectOption(kind);
    return page.getByRole('group', { name: `Destinations on success, destination ${number}` });
  };
  const [obs, smn, dis, http] = [await add('OBS', 1), await add('SMN', 2), await add('DIS', 3), await add('HTTP', 4)];
  await obs.getByLabel('Prefix').fill('test1/');
  await obs.getByLabel('Retention, days').fill('7');
  for (const { form, label, wrong, reason, right } of [
    { form: obs, label: 'Bucket', wrong: 'A', reason: 'param.bucket must be 3 to 63 lower-case letters, digits', right: 'outcomes' },
    { form: smn, label: 'Topic', wrong: 'none', reason: 'param.topic_urn is not a topic of connection "smn"', right: 'outcomes' },
    { form: dis, label: 'Stream', wrong: 'a b', reason: 'param.stream_name must be 1 to 64 letters, digits', right: 'orders' },
    { form: http, label: 'URL', wrong: 'ftp://x', reason: 'param.url must be an http or https URL', right: 'https://example.com/hook' },
  ]) {
    await form.getByLabel(label).fill(wrong);
    await save.click();
    await form.getByRole('alert').filter({ hasText: reason }).waitFor();
    await expect.poll(() => form.getByLabel(label).getAttribute('aria-invalid')).toBe('true');
    await form.getByLabel(label).fill(right);
  }
  expect(await violationsInBothThemes(watched)).toEqual([]);
  await page.setViewportSize({ width: 360, height: 740 });
  expect(await overflowOf(page)).toEqual([]);
  await save.click();
  const stored = async () =>
    (await sequent.call<FunctionView>('/api/functions/sends')).definition.policy.onSuccess.map(({ destination, param }) => ({
      destination,
      ...JSON.parse(param),
    }));
  await expect.poll(stored).toEqual([
    { destination: 'OBS', bucket: 'outcomes', prefix: 'test1/', expires: 7 },
    { destination: 'SMN', topic_urn: 'outcomes' },
    { destination: 'DIS', stream_name: 'orders' },
    { destination: 'HTTP', url: 'https://example.com/hook' },
  ]);
});

test('a saved test event is chosen and deleted', async ({ sequent, browser }) => {
  await sequent.define('tested');
  const path = '/api/functions/tested/test-events';
  await sequent.call(`${path}/first`, { method: 'PUT', body: { n: 1 } });
  await sequent.call(`${path}/second`, { method: 'PUT', body: { n: 2 } });
  const names = async () => (await sequent.call<SavedEvents>(path)).events.map(({ name }) => name);
  await using watched = await openFunction({ sequent, browser }, 'tested');
  const { page } = watched;
  await page.getByRole('button', { name: 'Invoke…' }).click();
  await page.getByLabel(/^Test event/).selectOption('first');
  await page.getByRole('button', { name: 'Delete the event' }).press('Enter');
  await page.getByText('first is deleted').waitFor();
  await expect.poll(names).toEqual(['second']);
  await expect
    .poll(() =>
      page
        .getByLabel(/^Test event/)
        .locator('option')
        .allTextContents(),
    )
    .not.toContain('first');
  expect(await watched.violations()).toEqual([]);
});

test('the event of the invoke dialog is the example of the zod schema of the function', async ({ sequent, browser }) => {
  const input = z.object({ order: z.int().positive(), currency: z.enum(['EUR', 'CNY']) });
  const checked = defineFunction({ name: 'checked', input, handler: ({ order }) => order });
  await using _ = await startWorker({ ...sequent.address, functions: [checked] });
  await using watched = await openFunction({ sequent, browser }, 'checked');
  const { page } = watched;
  await page.getByRole('button', { name: 'Invoke…' }).click();
  const event = page.getByRole('dialog').getByRole('textbox', { name: /^Event/ });
  const written = async () => JSON.parse(await event.inputValue()) as unknown;
  await expect.poll(written, { timeout: 30_000 }).toEqual({ order: 1, currency: 'EUR' });
  await page.getByRole('button', { name: 'Invoke', exact: true }).click();
  await page.waitForURL(/\/invocations\/.+/);
  const id = new URL(page.url()).pathname.split('/').at(-1) ?? '';
  expect(await sequent.invocation(id)).toMatchObject({ status: 'SUCCESS', result: { payload: '1' } });
});

test('an invocation gets the event as it was typed, with a number that JavaScript cannot hold', async ({ sequent, browser }) => {
  await sequent.define('exact');
  await using watched = await openFunction({ sequent, browser }, 'exact');
  const { page } = watched;
  await page.getByRole('button', { name: 'Invoke…' }).click();
  await page
    .getByRole('dialog')
    .getByRole('textbox', { name: /^Event/ })
    .fill('{"id": 12345678901234567890}');
  await page.getByRole('button', { name: 'Invoke', exact: true }).click();
  await page.waitForURL(/\/invocations\/.+/);
  const id = new URL(page.url()).pathname.split('/').at(-1) ?? '';
  await sequent.invocation(id);
  const sent = await page.evaluate(async (path) => await (await fetch(path)).text(), `/api/invocations/${id}/payload?function=exact`);
  expect(sent).toContain('12345678901234567890');
  await page.getByText('12345678901234567890').first().waitFor();
});

test('异步配置 keeps a maximum age, a target with an alias and a target with a version', async ({ sequent, browser }) => {
  await sequent.define('receives');
  await sequent.run(['fn', 'publish', 'receives', 'v1']);
  await sequent.run(['fn', 'alias', 'set', 'receives', 'prod', 'v1']);
  await sequent.define('configured');
  await using watched = await openFunction({ sequent, browser }, 'configured', { language: 'zh-CN' });
  const { page } = watched;
  const form = page.getByRole('form', { name: '异步配置' });
  await form.getByLabel('消息最大有效期').fill('120m');
  const targets = [
    { list: '成功时通知', qualifier: '!prod' },
    { list: '失效时通知', qualifier: 'v1' },
  ].map(({ list, qualifier }) => ({ list, qualifier, group: form.getByRole('group', { name: `${list}，目标服务 1` }) }));
  for (const { list, qualifier, group } of targets) {
    await form.getByRole('button', { name: `${list}：添加目标服务` }).click();
    await group.getByLabel('函数').fill('receives');
    await group.getByLabel('版本/别名').selectOption(qualifier);
  }
  await form.getByRole('button', { name: '保存异步配置' }).click();
  await page.getByText('异步配置已保存，对此后开始的调用生效。').waitFor();
  const { policy } = (await sequent.call<FunctionView>('/api/functions/configured')).definition;
  const urnsOf = (list: typeof policy.onSuccess) => list.map(({ param }) => JSON.parse(param));
  expect(policy.maxAgeInSeconds).toBe(7_200);
  expect(urnsOf(policy.onSuccess)).toEqual([{ func_urn: 'default:default:receives:!prod' }]);
  expect(urnsOf(policy.onFailure)).toEqual([{ func_urn: 'default:default:receives:v1' }]);
  await page.reload();
  await expect.poll(() => form.getByLabel('消息最大有效期').inputValue()).toBe('2h');
  for (const { qualifier, group } of targets) await expect.poll(() => group.getByLabel('版本/别名').inputValue()).toBe(qualifier);
  // Each outcome reaches its target, at the alias or the version.
  await Promise.all([sequent.invoke('configured'), sequent.invoke('configured', { throws: 'no' })]);
  const received = async () =>
    (await sequent.call<{ invocations: InvocationRow[] }>('/api/invocations?function=receives')).invocations
      .map(({ qualifier, version }) => `${qualifier} ${version}`)
      .sort();
  await expect.poll(received, { timeout: 30_000 }).toEqual(['!prod v1', 'v1 v1']);
});
