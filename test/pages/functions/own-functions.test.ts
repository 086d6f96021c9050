import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect } from 'vitest';
import type { StoredCode } from '#src/gateway/api/code/code-schemas.ts';
import type { FunctionView } from '#src/gateway/api/functions/function-schemas.ts';
import { openFolder } from '#test/support/folder-fixture.ts';
import { zipOf } from '#test/support/gateway/zip-archive.ts';
import { startWebSequent } from '#test/support/web/content/web-sequent.ts';
import { overflowOf, violationsInBothThemes } from '#test/support/web/page-checks.ts';
import { pagesTest } from '#test/support/web/pages-test.ts';

const test = pagesTest(startWebSequent);

describe('the code of a function', () => {
  test('is edited on its page, refused with the place of an error, and runs at the next attempt', async ({ sequent, browser }) => {
    await using watched = await browser.open(`${sequent.url}/functions?new`);
    const { page } = watched;
    watched.allow(/status of 400/);
    await page.getByRole('textbox', { name: /^Name/ }).fill('edited');
    await page.getByRole('button', { name: 'Create the function' }).click();
    await page.getByRole('link', { name: 'Code', exact: true }).click();
    const editor = page.getByRole('textbox', { name: 'Code of index.mjs' });
    await editor.click();
    await page.keyboard.press('Control+A');
    // A key that the page binds, such as "g f", is a letter in the editor.
    await page.keyboard.type('export const handler = () => "g f";;export const');
    await page.getByRole('button', { name: 'Save the code' }).click();
    await page
      .getByRole('alert')
      .filter({ hasText: /index\.mjs:1:\d+: / })
      .waitFor();
    await editor.click();
    await page.keyboard.press('Control+A');
    await page.keyboard.type('export const handler = () => "second";');
    await page.getByRole('button', { name: 'Save the code' }).click();
    await page.getByText('The code is saved').waitFor();
    expect(await violationsInBothThemes(watched)).toEqual([]);
    await page.setViewportSize({ width: 360, height: 740 });
    expect(await overflowOf(page)).toEqual([]);
    const { result } = await sequent.invocation(await sequent.invoke('edited'));
    expect(result?.payload).toBe('second');
  });

  test('is published by the keyboard alone, named by an alias with a weight and a policy, and compared', async ({ sequent, browser }) => {
    const store = async (text: string): Promise<void> => {
      const body = { files: [{ path: 'index.mjs', text }] };
      const { handler } = await sequent.call<StoredCode>('/api/functions/grown/packages', { method: 'POST', body });
      await sequent.call('/api/functions/grown', { method: 'PUT', body: { handler }, headers: { 'if-match': '*' } });
    };
    await sequent.define('grown');
    await sequent.define('target');
    await store('export const handler = () => 1;');
    await sequent.run(['fn', 'publish', 'grown', 'v1']);
    await sequent.run(['fn', 'publish', 'target', 'v9']);
    await store('export const handler = () => 2;');
    await using watched = await browser.open(`${sequent.url}/functions/grown`);
    const { page } = watched;
    const card = page.getByRole('region', { name: 'Versions and aliases' });
    await card.getByRole('button', { name: 'Publish…' }).focus();
    await page.keyboard.press('Enter');
    // The first field of a dialog has the focus.
    await page.keyboard.type('v2');
    await page.getByRole('button', { name: 'Publish', exact: true }).press('Enter');
    await card.getByText('v2', { exact: true }).waitFor();
    await card.getByRole('button', { name: 'New alias…' }).press('Enter');
    await page.keyboard.type('prod');
    await page.getByLabel('Weight of v1').fill('10');
    expect(await violationsInBothThemes(watched)).toEqual([]);
    await page.getByRole('button', { name: 'Save the alias' }).press('Enter');
    await expect.poll(() => card.textContent()).toMatch(/!prod → v210 % v1/);
    await page.getByLabel('Policy of').selectOption('!prod');
    await page.getByText('The alias has no policy of its own').waitFor();
    await page.getByLabel('Retries').selectOption('2');
    await page.getByRole('button', { name: 'Destinations on success: add a destination' }).click();
    await page.getByLabel('Function', { exact: true }).fill('target');
    await page.getByLabel(/^Version or alias/).selectOption('v9');
    await page.getByRole('button', { name: 'Save the policy' }).click();
    await card.getByText('own policy').waitFor();
    const { aliases, definition } = await sequent.call<FunctionView>('/api/functions/grown');
    expect(aliases[0]?.policy).toMatchObject({ maxRetries: 2, onSuccess: [{ destination: 'FunctionGraph' }] });
    expect(JSON.parse(aliases[0]?.policy?.onSuccess[0]?.param ?? '')).toEqual({ func_urn: 'default:default:target:v9' });
    expect(definition.policy.maxRetries).toBe(0);
    await page.setViewportSize({ width: 360, height: 740 });
    expect(await overflowOf(page)).toEqual([]);
    const deletion = card.getByRole('button', { name: 'Delete the alias prod' });
    await deletion.press('Enter');
    await page.getByRole('button', { name: 'Delete !prod' }).press('Enter');
    await deletion.waitFor({ state: 'detached' });
    await card.getByRole('link', { name: 'Compare with latest: v1' }).click();
    const changes = page.getByRole('textbox', { name: 'Changes of index.mjs' });
    await expect.poll(() => changes.textContent()).toMatch(/=> 1;.*=> 2;/);
    expect(await violationsInBothThemes(watched)).toEqual([]);
    expect(await overflowOf(page)).toEqual([]);
  });

  test('comes from a zip file or from a folder, with the files that it imports', async ({ sequent, browser, onTestFinished }) => {
    const filesSaying = (text: string) => ({
      'index.mjs': "import { text } from './lib/text.mjs';\nexport const handler = () => text;\n",
      'lib/text.mjs': `export const text = '${text}';\n`,
    });
    const zipSaying = (text: string) => ({
      name: 'code.zip',
      mimeType: 'application/zip',
      buffer: zipOf(Object.entries(filesSaying(text)).map(([name, content]) => ({ name, content }))),
    });
    const folder = await openFolder({ onCleanup: onTestFinished });
    const says = async (name: string) => (await sequent.invocation(await sequent.invoke(name))).result?.payload;
    for (const [path, content] of Object.entries(filesSaying('from a folder'))) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), content);
    }
    await using watched = await browser.open(`${sequent.url}/functions?new`);
    const { page } = watched;
    const createButton = page.getByRole('button', { name: 'Create the function' });
    await page.getByRole('textbox', { name: /^Name/ }).fill('zipped');
    await page.getByRole('button', { name: 'Zip file' }).click();
    expect(await createButton.isDisabled()).toBe(true);
    await page.getByLabel('Zip file').setInputFiles(zipSaying('from a zip file'));
    expect(await violationsInBothThemes(watched)).toEqual([]);
    await createButton.click();
    await page.getByRole('heading', { level: 1, name: 'zipped' }).waitFor();
    expect(await says('zipped')).toBe('from a zip file');
    await page.goto(`${sequent.url}/functions?new`);
    await page.getByRole('textbox', { name: /^Name/ }).fill('foldered');
    await page.getByRole('button', { name: 'Folder' }).click();
    await page.getByLabel('Folder').setInputFiles(folder);
    await createButton.click();
    await page.getByRole('heading', { level: 1, name: 'foldered' }).waitFor();
    expect(await says('foldered')).toBe('from a folder');
    await page.getByRole('link', { name: 'Code', exact: true }).click();
    await page.getByLabel(/^File/).selectOption('lib/text.mjs');
    await page.getByRole('textbox', { name: 'Code of lib/text.mjs' }).getByText('from a folder').waitFor();
    await page.getByLabel('Replace by a zip file…').setInputFiles(zipSaying('replaced'));
    await page.getByText('The code is saved').waitFor();
    expect(await says('foldered')).toBe('replaced');
  });
});
