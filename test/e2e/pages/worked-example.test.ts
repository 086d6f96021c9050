import type { Page } from 'playwright-core';
import { describe, expect } from 'vitest';
import type { Language } from '#src/core/text/language.ts';
import type { FunctionCode } from '#src/gateway/api/code/code-schemas.ts';
import type { FunctionSummary } from '#src/gateway/api/functions/function-schemas.ts';
import { until } from '#test/support/conformance/until.ts';
import { functionDestination, startWebSequent, type WebSequent } from '#test/support/web/content/web-sequent.ts';
import { overflowOf, violationsInBothThemes } from '#test/support/web/page-checks.ts';
import { pagesTest } from '#test/support/web/pages-test.ts';

const test = pagesTest(startWebSequent);
let sequent: WebSequent;
test.beforeAll(async ({ sequent: own }) => {
  sequent = own;
  for (const name of ['test2', 'test3']) await sequent.define(name);
  await sequent.define('test1', {
    policy: { maxRetries: 0, onSuccess: [functionDestination('test2')], onFailure: [functionDestination('test3')] },
  });
});

const active = (page: Page, state: string) => page.locator(`.replay [data-state="${state}"].active`);
const taken = (page: Page, edge: string) => page.locator(`.replay .edge:is(.taken, .last)[data-edge="${edge}"]`);

/** Watches an invocation of test1 from queued to notified on its page, then opens the invocation of its destination. */
async function watch(page: Page, id: string, { gate, outcome }: { gate: string; outcome: string }): Promise<void> {
  await active(page, 'queued').waitFor();
  await page.getByRole('status').getByText('Live').waitFor();
  await sequent.call('/api/functions/test1/resume', { method: 'POST' });
  await active(page, 'running').waitFor();
  await page.getByRole('button', { name: /^attempt 1: runs on/ }).waitFor();
  await sequent.openGate(gate);
  await active(page, 'notified').waitFor();
  await page.getByRole('status').getByText('Ended').waitFor();
  for (const edge of ['queued/running/running', `running/${outcome}/${outcome}`, `${outcome}/notified/notified`])
    await taken(page, edge).waitFor();
  await expect.poll(() => page.locator('.replay .edge:is(.taken, .last)').count()).toBe(4);
  await page.getByRole('button', { name: /^try 1 .*: delivered after/ }).waitFor();
  await page.getByRole('region', { name: 'Lineage' }).getByRole('link').nth(1).click();
  await page.waitForURL((url) => !url.pathname.includes(id));
  await active(page, 'notified').waitFor();
}

describe('the worked example of the source document (SRC10), watched live', () => {
  test.for([
    { ending: 'succeeds', destination: 'test2', outcome: 'succeeded', does: { returns: 'hello world!' }, condition: '' },
    { ending: 'fails', destination: 'test3', outcome: 'failed', does: { throws: 'out of stock' }, condition: 'UnhandledInvocationError' },
  ])('when test1 $ending, its page goes from queued to notified and links to $destination', async (example, { browser }) => {
    const { destination, outcome, does, condition } = example;
    await sequent.call('/api/functions/test1/pause', { method: 'POST' });
    const event = { aaa: 123, gate: outcome, ...does };
    const id = await sequent.invoke('test1', event);
    await using watched = await browser.open(`${sequent.url}/invocations/${id}`);
    const { page } = watched;
    await watch(page, id, { gate: outcome, outcome });

    await page.getByRole('heading', { level: 1, name: destination }).waitFor();
    const request = page.getByRole('region', { name: 'Request', exact: true });
    await request.getByRole('button', { name: 'Raw' }).click();
    const envelope = JSON.parse((await request.locator('pre').textContent()) ?? '');
    expect(envelope).toMatchObject({
      request_context: { request_id: id, condition, approximate_invoke_count: 1 },
      request_payload: JSON.stringify(event),
    });
  });
});

describe('the logs of a function', () => {
  test('show the end of a long output, and all of it when the function keeps it', async ({ sequent, browser }) => {
    await sequent.define('lengthy', { maxOutputBytes: 100_000 });
    const words = Array.from({ length: 900 }, (_, i) => `word ${i}`);
    await sequent.invocation(await sequent.invoke('lengthy', { prints: words.join('\n') }));
    await using watched = await browser.open(`${sequent.url}/functions/lengthy?tab=logs`);
    const { page } = watched;
    const texts = () => page.locator('.log-text').allTextContents();
    await page.getByText('Earlier output of this attempt is stored:').waitFor();
    expect((await texts()).at(-1)).toBe('word 899');
    expect(await texts()).not.toContain('word 0');
    expect(await violationsInBothThemes(watched)).toEqual([]);
    await page.getByRole('button', { name: 'show the whole output' }).click();
    await expect.poll(texts).toEqual(words);
    expect(await page.getByLabel('Whole output').isChecked()).toBe(true);
    await page.setViewportSize({ width: 360, height: 800 });
    expect(await overflowOf(page)).toEqual([]);
  });

  test('show what attempts printed and why they failed, narrowed by a filter, and then live', async ({ sequent, browser }) => {
    await sequent.define('talking');
    await sequent.invocation(await sequent.invoke('talking', { prints: 'first words' }));
    await sequent.invocation(await sequent.invoke('talking', { prints: 'last words', throws: 'no voice' }));
    await using watched = await browser.open(`${sequent.url}/functions/talking`);
    const { page } = watched;
    await page.getByRole('link', { name: 'Logs' }).click();
    const texts = () => page.locator('.log-text').allTextContents();
    const failure = expect.stringMatching(/^failed: RangeError: .*no voice$/);
    await expect.poll(texts).toEqual(['first words', 'last words', failure]);

    await page.getByLabel('Failed attempts only').check();
    await expect.poll(texts).toEqual(['last words', failure]);
    await page.keyboard.press('/');
    await page.keyboard.type('WORDS');
    await page.keyboard.press('Enter');
    await expect.poll(texts).toEqual(['last words']);
    await expect.poll(() => new URL(page.url()).search).toBe('?tab=logs&failed=true&text=WORDS');

    await page.getByText('Live', { exact: true }).waitFor();
    const id = await sequent.invoke('talking', { prints: 'words <b>later</b>', throws: 'no voice' });
    await expect.poll(texts).toEqual(['last words', 'words <b>later</b>']);
    expect(await violationsInBothThemes(watched)).toEqual([]);
    await page.setViewportSize({ width: 360, height: 800 });
    expect(await overflowOf(page)).toEqual([]);
    await page.getByRole('link', { name: `…${id.slice(-6)} #1` }).click();
    await page.waitForURL(`**/invocations/${id}?function=talking`);
  });

  test('are narrowed to the lines of a level and above, where a line without a level counts as info', async ({ sequent, browser }) => {
    await sequent.define('levelled');
    const structured = ['debug', 'warn', 'error'].map((level) => JSON.stringify({ level, msg: `a line of ${level}` }));
    await sequent.invocation(await sequent.invoke('levelled', { prints: ['a line of info', 'a plain line', ...structured].join('\n') }));
    await using watched = await browser.open(`${sequent.url}/functions/levelled?tab=logs`);
    const { page } = watched;
    const texts = () => page.locator('.log-text').allTextContents();
    const lines = ['a line of info', 'a plain line', 'a line of debug', 'a line of warn', 'a line of error'];
    await expect.poll(texts, { timeout: 30_000 }).toEqual(lines);
    const level = page.getByLabel('Least level');
    for (const [least, left] of [
      ['error', lines.slice(4)],
      ['warn', lines.slice(3)],
      ['info', [...lines.slice(0, 2), ...lines.slice(3)]],
      ['debug', lines],
    ] as const) {
      await level.selectOption(least);
      await expect.poll(texts, { timeout: 30_000 }).toEqual(left);
    }
    await level.selectOption('error');
    await expect.poll(() => new URL(page.url()).search).toBe('?tab=logs&level=error');
    await page.reload();
    await expect.poll(texts, { timeout: 30_000 }).toEqual(lines.slice(4));
    expect(await level.inputValue()).toBe('error');
  });
});

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
  | 'saveCode'
  | 'lineage',
  string
> &
  Record<'name' | 'template' | 'testEvent' | 'outputs' | 'retries', RegExp> &
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
    saveCode: 'Save the code',
    testEvent: /^Test event/,
    lineage: 'Lineage',
    outputs: /^Output/,
    retries: /^Retries/,
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
    saveCode: '保存代码',
    testEvent: /^测试事件(?!名称)/,
    lineage: '调用链',
    outputs: /^输出/,
    retries: /^重试次数/,
  },
};

async function create(page: Page, words: Words, name: string): Promise<void> {
  await page.getByRole('textbox', { name: words.name }).fill(name);
  await page.getByLabel(words.template).selectOption({ label: words.logTemplate });
  await page.getByRole('textbox', { name: words.code, exact: true }).getByText('received').first().waitFor();
  await page.getByRole('button', { name: words.create }).click();
  await page.getByRole('heading', { level: 1, name }).waitFor();
}

/** Invokes test1 with its saved event, opens the invocation of its destination, and returns the envelope that the destination logged. */
async function follow(page: Page, words: Words, destination: string): Promise<unknown> {
  await page.getByRole('button', { name: words.invokeDialog }).click();
  await page.getByLabel(words.testEvent).selectOption('first');
  await page.getByRole('button', { name: words.invoke, exact: true }).click();
  await page.getByRole('region', { name: words.lineage }).getByRole('link').nth(1).click();
  await page.getByRole('heading', { level: 1, name: destination }).waitFor();
  const output = page.getByRole('region', { name: words.outputs }).locator('pre');
  await expect.poll(() => output.textContent()).toContain('received {');
  return JSON.parse(/received (\{.*\})/.exec((await output.textContent()) ?? '')?.[1] ?? '');
}

describe('the worked example of the source document (SRC10), in the pages alone', () => {
  test.for(Object.entries(languages))(
    'three functions are created, test1 is configured and invoked; test2 or test3 logs the envelope (%s)',
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
      await page.getByLabel(words.retries).selectOption('0');
      await page.getByRole('button', { name: words.savePolicy }).click();
      await page.getByRole('img').getByText(words.edge).waitFor({ state: 'attached' });
      await page.getByRole('button', { name: words.invokeDialog }).click();
      await page.getByRole('dialog').getByRole('textbox').fill('{"aaa": 123}');
      await page.getByRole('button', { name: words.saveEvent }).click();
      await page.getByLabel(words.eventName).fill('first');
      await page.getByRole('button', { name: words.saveTheEvent }).click();
      await expect.poll(() => page.getByLabel(words.testEvent).inputValue()).toBe('first');
      expect(await violationsInBothThemes(watched)).toEqual([]);
      // The saved event is there for others, and for the command, as it was typed.
      expect((await sequent.run(['fn', 'event', 'get', 'test1', 'first'])).stdout.trim()).toBe('{"aaa": 123}');
      await page.reload();
      // The dialog shows the saved event indented, and sends what it shows.
      const request_payload = '{\n  "aaa": 123\n}';
      expect(await follow(page, words, 'test2')).toMatchObject({ request_context: { condition: '' }, request_payload });

      await page.goto(`${sequent.url}/functions/test1?tab=code`);
      await page.getByRole('textbox', { name: 'index.mjs' }).click();
      await page.keyboard.press('Control+A');
      await page.keyboard.insertText('export const handler = () => { throw new Error("out of stock"); };');
      await page.getByRole('button', { name: words.saveCode }).click();
      await until('the code is saved', async () => {
        const { files } = await sequent.call<FunctionCode>('/api/functions/test1/code');
        return files.find((file) => file.text?.includes('out of stock'));
      });
      const request_context = { condition: 'UnhandledInvocationError', approximate_invoke_count: 1 };
      expect(await follow(page, words, 'test3')).toMatchObject({ request_context, request_payload });
    },
  );
});
