import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Page } from 'playwright-core';
import { describe, expect } from 'vitest';
import type { Language } from '#src/core/text/language.ts';
import type { StoredCode } from '#src/gateway/api/schemas/code.ts';
import type { FunctionSummary, FunctionView } from '#src/gateway/api/schemas/functions.ts';
import { openFolder } from '#test/support/folder-fixture.ts';
import { zipOf } from '#test/support/gateway/zip-archive.ts';
import { overflowOf, violationsInBothThemes } from '#test/support/web/page-checks.ts';
import { pagesTest } from '#test/support/web/pages-test.ts';
import { startWebSequent } from '#test/support/web/web-sequent.ts';

const test = pagesTest(startWebSequent);

/** The words of the pages that the walk through the worked example uses, by language. */
type Words = Record<
  | 'writeFirst'
  | 'newFunction'
  | 'logTemplate'
  | 'create'
  | 'code'
  | 'targetFunction'
  | 'savePolicy'
  | 'edge'
  | 'invokeDialog'
  | 'invoke'
  | 'saveEvent'
  | 'eventName'
  | 'saveTheEvent'
  | 'lineage',
  string
> &
  Record<'name' | 'template' | 'testEvent' | 'outputs', RegExp> &
  Record<'addOn' | 'target', Record<'success' | 'failure', string>>;

const languages: Readonly<Record<Language, Words>> = {
  en: {
    writeFirst: 'Write the first one here',
    newFunction: 'New function',
    name: /^Name/,
    template: /^Template/,
    logTemplate: 'Log the event (for a destination)',
    create: 'Create the function',
    code: 'Code',
    addOn: { success: 'Destinations on success: add a destination', failure: 'Destinations on failure: add a destination' },
    target: { success: 'Destinations on success, destination 1', failure: 'Destinations on failure, destination 1' },
    targetFunction: 'Function',
    savePolicy: 'Save the policy',
    edge: 'test1 notifies test3 on failure',
    invokeDialog: 'Invoke…',
    invoke: 'Invoke',
    saveEvent: 'Save as a test event…',
    eventName: 'Name of the test event',
    saveTheEvent: 'Save the event',
    testEvent: /^Test event/,
    lineage: 'Lineage',
    outputs: /^Output/,
  },
  'zh-CN': {
    writeFirst: '在此编写第一个函数',
    newFunction: '创建函数',
    name: /^函数名称/,
    template: /^模板/,
    logTemplate: '记录事件（用作目标服务）',
    create: '创建函数',
    code: '代码',
    addOn: { success: '成功时通知：添加目标服务', failure: '失效时通知：添加目标服务' },
    target: { success: '成功时通知，目标服务 1', failure: '失效时通知，目标服务 1' },
    targetFunction: '函数',
    savePolicy: '保存异步配置',
    edge: 'test1 失效时通知 test3',
    invokeDialog: '调用…',
    invoke: '调用',
    saveEvent: '保存为测试事件…',
    eventName: '测试事件名称',
    saveTheEvent: '保存事件',
    testEvent: /^测试事件(?!名称)/,
    lineage: '调用链',
    outputs: /^输出/,
  },
};

async function create(page: Page, words: Words, name: string): Promise<void> {
  await page.getByRole('textbox', { name: words.name }).fill(name);
  await page.getByLabel(words.template).selectOption({ label: words.logTemplate });
  await page.getByRole('textbox', { name: words.code, exact: true }).getByText('received').first().waitFor();
  await page.getByRole('button', { name: words.create }).click();
  await page.getByRole('heading', { level: 1, name }).waitFor();
}

describe('the worked example of the source document (SRC10), in the pages alone', () => {
  test.for(Object.entries(languages))(
    'three functions are created, test1 is configured and invoked, and test2 logs the envelope (%s)',
    async ([language, words], { sequent, browser }) => {
      // The walk starts without functions, also after the one in another language.
      const { functions } = await sequent.call<{ functions: FunctionSummary[] }>('/api/functions');
      for (const { name } of functions) await sequent.call(`/api/functions/${name}`, { method: 'DELETE' });
      await using watched = await browser.open(`${sequent.url}/functions`, { language });
      const { page } = watched;
      await page.getByRole('link', { name: words.writeFirst }).click();
      await page.getByRole('textbox', { name: words.code, exact: true }).waitFor();
      expect(await violationsInBothThemes(watched)).toEqual([]);
      await page.setViewportSize({ width: 360, height: 740 });
      expect(await overflowOf(page)).toEqual([]);
      await page.setViewportSize({ width: 1_280, height: 900 });
      for (const name of ['test1', 'test2', 'test3']) {
        await page.goto(`${sequent.url}/functions`);
        await page.getByRole('link', { name: words.newFunction }).click();
        await create(page, words, name);
      }
      await page.goto(`${sequent.url}/functions/test1`);
      for (const [outcome, target] of [
        ['success', 'test2'],
        ['failure', 'test3'],
      ] as const) {
        await page.getByRole('button', { name: words.addOn[outcome] }).click();
        await page.getByRole('group', { name: words.target[outcome] }).getByLabel(words.targetFunction).fill(target);
      }
      await page.getByRole('button', { name: words.savePolicy }).click();
      await page.getByRole('img').getByText(words.edge).waitFor({ state: 'attached' });
      await page.getByRole('button', { name: words.invokeDialog }).click();
      await page.getByRole('dialog').getByRole('textbox').fill('{"aaa": 123}');
      await page.getByRole('button', { name: words.saveEvent }).click();
      await page.getByLabel(words.eventName).fill('first');
      await page.getByRole('button', { name: words.saveTheEvent }).click();
      await expect.poll(() => page.getByLabel(words.testEvent).inputValue()).toBe('first');
      expect(await violationsInBothThemes(watched)).toEqual([]);
      // The saved event is there for others, and for the command.
      expect((await sequent.run(['fn', 'event', 'get', 'test1', 'first'])).stdout.trim()).toBe('{"aaa":123}');
      await page.reload();
      await page.getByRole('button', { name: words.invokeDialog }).click();
      await page.getByLabel(words.testEvent).selectOption('first');
      await page.getByRole('button', { name: words.invoke, exact: true }).click();
      await page.getByRole('region', { name: words.lineage }).getByRole('link').nth(1).click();
      await page.getByRole('heading', { level: 1, name: 'test2' }).waitFor();
      const output = page.getByRole('region', { name: words.outputs });
      await expect.poll(() => output.textContent()).toMatch(/received \{.*"request_payload":"\{\\"aaa\\": ?123\}"/);
    },
  );
});

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
    await page.getByLabel('Retries').fill('2');
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
