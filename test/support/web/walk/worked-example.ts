import type { Locator, Page } from 'playwright-core';
import { expect } from 'vitest';
import type { Language } from '#src/core/text/language.ts';
import type { FunctionCode } from '#src/gateway/api/code/code-schemas.ts';
import type { FunctionSummary } from '#src/gateway/api/functions/function-schemas.ts';
import { until } from '#test/support/conformance/until.ts';
import type { TestBrowser } from '../browser.ts';
import type { WebSequent } from '../content/web-sequent.ts';
import { overflowOf, violationsInBothThemes } from '../page-checks.ts';
import { languages, type Words } from './words.ts';

/** The code that the walk writes, in the languages of functions. Without `logs` the code of the template logs the event. */
type Code = { file: string; template?: string; logs?: string; throws: string };

export const javaScript: Code = {
  file: 'index.mjs',
  throws: 'export const handler = () => { throw new Error("out of stock"); };',
};
export const python: Code = {
  file: 'index.py',
  template: 'Python',
  logs: 'import json\n\ndef handler(event, context):\n    print("received " + json.dumps(event))\n    return "hello world!"\n',
  throws: 'def handler(event, context):\n    raise ValueError("out of stock")\n',
};

type Walk = { sequent: WebSequent; browser: TestBrowser; language: Language; code: Code };

/** Creates, configures and invokes the functions of the worked example of the source document (SRC10) by the pages alone. */
export async function walkWorkedExample({ sequent, browser, language, code }: Walk): Promise<void> {
  const words = languages[language];
  // The walk starts without functions, also after another walk.
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
    await create(page, { words, code, name });
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
  await write(page, page.getByRole('textbox', { name: code.file }), code.throws);
  await page.getByRole('button', { name: words.saveCode }).click();
  await until('the code is saved', async () => {
    const { files } = await sequent.call<FunctionCode>('/api/functions/test1/code');
    return files.find((file) => file.text?.includes('out of stock'));
  });
  const request_context = { condition: 'UnhandledInvocationError', approximate_invoke_count: 1 };
  expect(await follow(page, words, 'test3')).toMatchObject({ request_context, request_payload });
}

/** Replaces the text of an editor. */
async function write(page: Page, editor: Locator, text: string): Promise<void> {
  await editor.click();
  await page.keyboard.press('Control+A');
  await page.keyboard.insertText(text);
}

async function create(page: Page, { words, code, name }: { words: Words; code: Code; name: string }): Promise<void> {
  await page.getByRole('textbox', { name: words.name }).fill(name);
  await page.getByLabel(words.template).selectOption({ label: code.template ?? words.logTemplate });
  const editor = page.getByRole('textbox', { name: words.code, exact: true });
  if (code.logs !== undefined) await write(page, editor, code.logs);
  await editor.getByText('received').first().waitFor();
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
