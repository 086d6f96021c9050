import { expect } from 'vitest';
import type { FunctionView } from '#src/gateway/api/schemas/functions.ts';
import { violationsInBothThemes } from '#test/support/web/page-checks.ts';
import { pagesTest } from '#test/support/web/pages-test.ts';
import { startWebSequent } from '#test/support/web/web-sequent.ts';

const test = pagesTest(startWebSequent);

test('a condition of a destination is refused with the reason, kept, and shown where it does not hold', async ({ sequent, browser }) => {
  await sequent.define('desk');
  await sequent.define('picky');
  await using watched = await browser.open(`${sequent.url}/functions/picky`);
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
  await using watched = await browser.open(`${sequent.url}/functions/wants`);
  const { page } = watched;
  watched.allow(/status of 400/);
  await page.getByRole('button', { name: 'Edit…' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Timeout, seconds').fill('2.5');
  await dialog.getByLabel('Memory, MB').fill('320');
  await dialog.getByRole('textbox', { name: /^Concurrency/ }).fill('7');
  await dialog.getByLabel('Largest payload, bytes').fill('1000000');
  await dialog.getByLabel('Kept output, bytes').fill('70');
  await dialog.getByRole('textbox', { name: /^User data/ }).fill('CITY=Paris=Nord');
  await dialog.getByRole('button', { name: 'Save the configuration' }).click();
  await dialog.getByText('the kept output').waitFor();
  await dialog.getByLabel('Kept output, bytes').fill('70000');
  await dialog.getByRole('button', { name: 'Save the configuration' }).click();
  await dialog.waitFor({ state: 'detached' });
  const { definition } = await sequent.call<FunctionView>('/api/functions/wants');
  expect(definition).toMatchObject({ memoryInMb: 320, concurrency: 7, maxPayloadBytes: 1_000_000, maxOutputBytes: 70_000 });
  expect(definition).toMatchObject({ timeoutInMs: 2_500, userData: { CITY: 'Paris=Nord' }, secretUserData: { PIN: '******' } });
  await page.getByRole('region', { name: 'Configuration' }).getByText('68 KB').waitFor();
  // An empty field is the default again.
  await page.getByRole('button', { name: 'Edit…' }).click();
  await dialog.getByLabel('Kept output, bytes').fill('');
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
