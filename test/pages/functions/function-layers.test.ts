import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import type { StoredCode, StoredLayers } from '#src/gateway/api/code/code-schemas.ts';
import type { FunctionView } from '#src/gateway/api/functions/function-schemas.ts';
import { openFolder } from '#test/support/folder-fixture.ts';
import { hasPython } from '#test/support/hosts/python.ts';
import { startWebSequent, type WebSequent } from '#test/support/web/content/web-sequent.ts';
import { overflowOf, violationsInBothThemes } from '#test/support/web/page-checks.ts';
import { pagesTest } from '#test/support/web/pages-test.ts';
import { untranslatedIn } from '#test/support/web/untranslated.ts';

const test = pagesTest(startWebSequent);

/** Two versions of a layer, whose texts tell them apart. */
test.beforeAll(async ({ sequent }) => {
  for (const text of ['the first', 'the second']) {
    const closes: (() => Promise<void>)[] = [];
    const folder = await openFolder({ onCleanup: (close) => closes.push(close) });
    await writeFile(join(folder, 'greeting.mjs'), `export const text = '${text}';\n`);
    await writeFile(join(folder, 'greeting.py'), `TEXT = '${text}'\n`);
    expect(await sequent.run(['fn', 'layer', 'put', 'greeting', '--file', folder])).toMatchObject({ code: 0 });
    for (const close of closes) await close();
  }
});

async function resultOf(sequent: WebSequent, name: string): Promise<unknown> {
  return (await sequent.invocation(await sequent.invoke(name))).result?.payload;
}

async function layersOf(sequent: WebSequent, name: string): Promise<string[] | undefined> {
  const { handler } = (await sequent.call<FunctionView>(`/api/functions/${name}`)).definition;
  return handler.kind === 'process' ? handler.layers : undefined;
}

async function digestOfVersion(sequent: WebSequent, wanted: number): Promise<string> {
  const { layers } = await sequent.call<StoredLayers>('/api/layers');
  return layers.find(({ version }) => version === wanted)?.digest ?? '';
}

async function save(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Save the configuration' }).click();
  await page.getByRole('dialog').waitFor({ state: 'detached' });
}

test('layers are added, changed to another version and removed, and attempts find their files', async ({ sequent, browser }) => {
  const text = "export const handler = async () => (await import('./greeting.mjs').catch(() => ({ text: 'none' }))).text;";
  const { handler } = await sequent.call<StoredCode>('/api/functions/greets/packages', {
    method: 'POST',
    body: { files: [{ path: 'index.mjs', text }] },
  });
  await sequent.call('/api/functions/greets', { method: 'PUT', body: { handler } });
  await using watched = await browser.open(`${sequent.url}/functions/greets`);
  const { page } = watched;
  const shown = page.getByRole('region', { name: 'Configuration' });
  const edit = page.getByRole('button', { name: 'Edit…' });
  await edit.click();
  await page.getByRole('button', { name: 'Add a layer' }).click();
  // The newest version is suggested first.
  expect(await page.getByLabel('Layer 1', { exact: true }).locator('option:checked').textContent()).toBe('greeting:2');
  await page.getByLabel('Layer 1', { exact: true }).selectOption(await digestOfVersion(sequent, 1));
  expect(await violationsInBothThemes(watched)).toEqual([]);
  await page.setViewportSize({ width: 360, height: 740 });
  expect(await overflowOf(page)).toEqual([]);
  await page.setViewportSize({ width: 1_280, height: 900 });
  await save(page);
  await shown.getByText('greeting:1').waitFor();
  expect(await resultOf(sequent, 'greets')).toBe('the first');

  await edit.click();
  await page.getByRole('button', { name: 'Add a layer' }).click();
  await save(page);
  await expect.poll(() => shown.getByRole('listitem').allTextContents()).toEqual(expect.arrayContaining(['greeting:1', 'greeting:2']));
  // Of files of one path, that of the later layer counts.
  expect(await resultOf(sequent, 'greets')).toBe('the second');

  await edit.click();
  await page.getByRole('button', { name: 'Layer 1: remove' }).click();
  await page.getByRole('button', { name: 'Layer 1: remove' }).click();
  await save(page);
  expect(await resultOf(sequent, 'greets')).toBe('none');
  expect(await layersOf(sequent, 'greets')).toBeUndefined();
});

test('a layer whose version was deleted is shown by its digest, and stays until it is removed', async ({ sequent, browser }) => {
  const digest = await digestOfVersion(sequent, 1);
  const body = { layers: [digest], files: [{ path: 'index.mjs', text: "export { text as handler } from './greeting.mjs';" }] };
  const { handler } = await sequent.call<StoredCode>('/api/functions/keeps/packages', { method: 'POST', body });
  await sequent.call('/api/functions/keeps', { method: 'PUT', body: { handler } });
  expect(await sequent.run(['fn', 'layer', 'rm', 'greeting:1'])).toMatchObject({ code: 0 });
  await using watched = await browser.open(`${sequent.url}/functions/keeps`, { language: 'zh-CN' });
  const { page } = watched;
  const words = `${digest.slice(0, 12)}…（已删除）`;
  await page.getByRole('region', { name: '配置' }).getByText(words).waitFor();
  await page.getByRole('button', { name: '编辑…' }).click();
  await expect.poll(() => page.getByLabel('层 1', { exact: true }).locator('option').allTextContents()).toContain(words);
  expect(await untranslatedIn(page)).toEqual([]);
  await page.getByRole('button', { name: '保存配置' }).click();
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  expect(await layersOf(sequent, 'keeps')).toEqual([digest]);
});

test.skipIf(!hasPython)('a new function in Python imports from the layer that its form names', async ({ sequent, browser }) => {
  await using watched = await browser.open(`${sequent.url}/functions?new`);
  const { page } = watched;
  watched.allow(/status of 400/);
  await page.getByRole('textbox', { name: /^Name/ }).fill('imports');
  await page.getByLabel(/^Template/).selectOption({ label: 'Python' });
  await page.getByRole('textbox', { name: 'Code', exact: true }).click();
  await page.keyboard.press('Control+A');
  await page.keyboard.insertText('import greeting\n\n\ndef handler(event, context):\n    return greeting.TEXT\n');
  const create = page.getByRole('button', { name: 'Create the function' });
  await create.click();
  await page.getByRole('alert').filter({ hasText: 'the module "greeting" is neither in the package, nor in a layer' }).waitFor();
  await page.getByText('Handler and limits').click();
  await page.getByRole('button', { name: 'Add a layer' }).click();
  expect(await violationsInBothThemes(watched)).toEqual([]);
  await create.click();
  await page.getByRole('heading', { level: 1, name: 'imports' }).waitFor();
  expect(await resultOf(sequent, 'imports')).toBe('the second');
});
