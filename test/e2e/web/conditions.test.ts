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
