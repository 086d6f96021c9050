import type { Page } from 'playwright-core';
import { describe, expect } from 'vitest';
import { formatDuration } from '#src/core/text/format-duration.ts';
import type { StoredCode } from '#src/gateway/api/code/code-schemas.ts';
import type { FunctionStats, FunctionView, VersionStats } from '#src/gateway/api/functions/function-schemas.ts';
import { until } from '#test/support/conformance/until.ts';
import { startWebSequent, type WebSequent } from '#test/support/web/content/web-sequent.ts';
import { overflowOf, violationsInBothThemes } from '#test/support/web/page-checks.ts';
import { pagesTest } from '#test/support/web/pages-test.ts';

const test = pagesTest(startWebSequent);

const unchanged = Array.from({ length: 12 }, (_, index) => `const line${index} = ${index};\n`).join('');
const codeOf = (text: string): string => `${unchanged}// ${text}\nexport const handler = () => '${text}';\n`;

/** Defines a function with a published version for each text that its code returns. The last one is `latest`, too. */
async function publish(sequent: WebSequent, name: string, texts: readonly string[]): Promise<void> {
  const path = `/api/functions/${encodeURIComponent(name)}`;
  await sequent.define(name);
  for (const [index, text] of texts.entries()) {
    const files = [{ path: 'index.mjs', text: codeOf(text) }];
    const { handler } = await sequent.call<StoredCode>(`${path}/packages`, { method: 'POST', body: { files } });
    await sequent.call(path, { method: 'PUT', body: { handler }, headers: { 'if-match': '*' } });
    await sequent.call(`${path}/versions`, { method: 'POST', body: { version: `v${index + 1}` } });
  }
}

/** The colours of the words of the editor, by their text. */
async function coloursIn(page: Page, words: readonly string[]): Promise<Record<string, string>> {
  const spans = page.locator('.cm-line span');
  const colours: Record<string, string> = {};
  for (const word of words)
    colours[word] = await spans
      .filter({ hasText: word })
      .first()
      .evaluate((span) => getComputedStyle(span).color);
  return colours;
}

describe('the code of a published version', () => {
  test('is highlighted and cannot be changed, and the differences of two versions are marked', async ({ sequent, browser }) => {
    await publish(sequent, 'letters', ['first', 'second']);
    await using watched = await browser.open(`${sequent.url}/functions/letters?tab=code&version=v1`);
    const { page } = watched;
    const editor = page.getByRole('textbox', { name: 'Code of index.mjs' });
    await editor.getByText("'first'").waitFor();
    const colours = await coloursIn(page, ['export', "'first'", '// first', '11']);
    expect(new Set(Object.values(colours)).size).toBe(4);
    await editor.click();
    await page.keyboard.type('lost');
    expect(await editor.textContent()).not.toContain('lost');
    expect(await page.getByRole('button', { name: 'Save the code' }).count()).toBe(0);

    await page.getByLabel('Compare with').selectOption('v2');
    const changes = page.getByRole('textbox', { name: 'Changes of index.mjs' });
    await expect.poll(() => changes.locator('.cm-deletedChunk').textContent()).toContain("'second'");
    await expect.poll(() => changes.locator('.cm-changedLine').allTextContents()).toContain("export const handler = () => 'first';");
    await changes.getByText('9 unchanged lines').waitFor();
    await using chinese = await browser.open(page.url(), { language: 'zh-CN' });
    await chinese.page.getByText('9 行未变化').waitFor();
  });
});

describe('a canary', () => {
  test('has the retries and the durations p50 and p99 of each version, as the API gives them', async ({ sequent, browser }) => {
    const path = '/api/functions/compared';
    await sequent.define('compared', { policy: { maxRetries: 1, backoff: { initialInMs: 100, factor: 1, maxInMs: 100, jitter: 0 } } });
    await sequent.run(['fn', 'publish', 'compared', 'v1']);
    const { definition } = await sequent.call<FunctionView>(path);
    await sequent.call(path, { method: 'PUT', body: { ...definition, timeoutInMs: 20_000 }, headers: { 'if-match': '*' } });
    await sequent.run(['fn', 'publish', 'compared', 'v2']);
    await sequent.call(`${path}/aliases/prod`, { method: 'PUT', body: { version: 'v1', weights: { v2: 50 } } });
    // The attempts of v1 differ in their durations. Each invocation of v2 succeeds at its second attempt.
    const events = [10, 20, 400].flatMap((ms) => [
      { qualifier: 'v1', body: { ms } },
      { qualifier: 'v2', body: { fails: 1 } },
    ]);
    const invoke = ({ qualifier, body }: { qualifier: string; body: unknown }) =>
      sequent.call(`${path}/invocations?qualifier=${qualifier}`, { method: 'POST', body });
    await Promise.all(events.map(invoke));
    const versions = await until('every invocation is counted', async () => {
      const stats = await sequent.call<VersionStats>(`${path}/versions/stats`);
      return stats.versions.every(({ by_state }) => by_state.notified === 3) && stats.versions.length === 2 ? stats.versions : undefined;
    });
    const of = (name: string) => versions.find(({ version }) => version === name);
    expect(of('v1')).toMatchObject({ retries: 0, retried: 0 });
    expect(of('v2')).toMatchObject({ retries: 3, retried: 3 });
    expect(of('v1')?.duration_ms?.p99).toBeGreaterThan(300);
    await using watched = await browser.open(`${sequent.url}/functions/compared`);
    const card = watched.page.getByRole('region', { name: 'Versions side by side', exact: true }).first();
    for (const [version, retried] of [
      ['v1', '0'],
      ['v2', '3 (100 %)'],
    ] as const) {
      const cell = (head: string) => card.locator('tbody tr').filter({ hasText: version }).locator(`td[data-head="${head}"]`);
      const { p50 = 0, p99 = 0 } = of(version)?.duration_ms ?? {};
      await expect.poll(() => cell('Retried').textContent(), { timeout: 30_000 }).toBe(retried);
      await expect.poll(() => cell('Duration p50').textContent(), { timeout: 30_000 }).toBe(formatDuration(p50));
      await expect.poll(() => cell('Duration p99').textContent(), { timeout: 30_000 }).toBe(formatDuration(p99));
    }
  });

  test('is judged by its own outcomes, and rolled back after a question', async ({ sequent, browser }) => {
    await sequent.define('pays');
    await sequent.run(['fn', 'publish', 'pays', 'v1']);
    const etag = { 'if-match': '*' };
    const { definition: first } = await sequent.call<FunctionView>('/api/functions/pays');
    const second = { ...first, timeoutInMs: 9_000 };
    await sequent.call('/api/functions/pays', { method: 'PUT', body: second, headers: etag });
    await sequent.run(['fn', 'publish', 'pays', 'v2']);
    await sequent.run(['fn', 'alias', 'set', 'pays', 'prod', 'v1', '--weight', 'v2=50']);
    const { resolveFunction } = await import('#src/core/functions/entry.ts');
    const alias = { name: 'prod', version: 'v1', weights: { v2: 50 }, description: '', changedAt: 0, weightedAt: 0 };
    const { definition } = await sequent.call<FunctionView>('/api/functions/pays');
    const versions = ['v1', 'v2'].map((version) => ({ version, description: '', publishedAt: 0, definition }));
    const entry = { definition, revision: 1, version: 'latest', versions, aliases: [alias] };
    // The weights choose by a hash of the id, so the test knows which version a request runs. The second version always fails.
    const ids = Array.from({ length: 24 }, (_, index) => `pay-${index}`);
    await Promise.all(
      ids.map(async (id) => {
        const fails = resolveFunction(entry, '!prod', id)?.version === 'v2' ? { throws: 'card declined' } : {};
        await sequent.call('/api/functions/pays/invocations?qualifier=!prod', {
          method: 'POST',
          body: fails,
          headers: { 'idempotency-key': id },
        });
      }),
    );
    await until('every invocation is counted', async () => {
      const stats = await sequent.call<FunctionStats>('/api/functions/pays/stats');
      return stats.total.by_state.notified === ids.length ? stats : undefined;
    });
    await using watched = await browser.open(`${sequent.url}/functions/pays`);
    const { page } = watched;
    const card = page.getByRole('region', { name: 'Versions side by side', exact: true }).first();
    await card
      .getByText(
        /v2 is significantly worse than v1: .* of v2 failed, 0 of .* \(mixture sequential probability ratio test, p [<=] 0\.0\d\d\)/,
      )
      .waitFor();
    await card.getByText(/v2 has \d+ % of the requests since .* \(weight 50 %\)\./).waitFor();
    await card.getByText('sequent fn alias rollback pays prod', { exact: true }).waitFor();
    await expect.poll(() => card.getByRole('row').filter({ hasText: 'v2' }).textContent()).toMatch(/v2\d+ %\d+.*\(100 %\)0/);
    expect(await violationsInBothThemes(watched)).toEqual([]);
    await page.setViewportSize({ width: 360, height: 740 });
    expect(await overflowOf(page)).toEqual([]);
    await page.setViewportSize({ width: 1_280, height: 900 });
    await card.getByRole('link', { name: 'v2', exact: true }).click();
    await page.getByRole('button', { name: /^version v2/ }).waitFor();
    await page.getByText('!prod → v2').first().waitFor();
    await page.goBack();
    const rollback = card.getByRole('button', { name: 'Roll back to v1…' });
    await rollback.focus();
    await page.keyboard.press('Enter');
    const question = page.getByRole('dialog', { name: 'Roll back to v1' });
    await question.getByText('Requests of !prod now: 50 % to v2, 50 % to v1. Afterwards: 100 % to v1.').waitFor();
    expect((await sequent.call<FunctionView>('/api/functions/pays')).aliases).toMatchObject([{ weights: { v2: 50 } }]);
    await question.getByRole('button', { name: 'Roll back to v1' }).click();
    await rollback.waitFor({ state: 'detached' });
    const { aliases } = await sequent.call<FunctionView>('/api/functions/pays');
    expect(aliases).toEqual([{ alias: 'prod', version: 'v1', weights: {}, description: '' }]);
  });

  test.for([
    { language: 'en', promote: 'Promote v2', card: 'Versions side by side' },
    { language: 'zh-CN', promote: '全部切换到 v2', card: '版本对比' },
  ])('is promoted after a question ($language)', async ({ language, promote, card }, { sequent, browser }) => {
    const name = `pays-${language}`;
    await publish(sequent, name, ['first', 'second']);
    const alias = `/api/functions/${name}/aliases/prod`;
    await sequent.call(alias, { method: 'PUT', body: { version: 'v1', weights: { v2: 20 } } });
    await using watched = await browser.open(`${sequent.url}/functions/${name}`, { language });
    const { page } = watched;
    await page.getByRole('heading', { name: card }).waitFor();
    await page.getByRole('button', { name: `${promote}…` }).click();
    await page.getByRole('dialog').getByRole('button', { name: promote }).click();
    await page.getByRole('button', { name: `${promote}…` }).waitFor({ state: 'detached' });
    const { aliases } = await sequent.call<FunctionView>(`/api/functions/${name}`);
    expect(aliases).toMatchObject([{ alias: 'prod', version: 'v2', weights: {} }]);
  });
});

test('an alias says in both languages what an automatic canary decided', async ({ sequent, browser }) => {
  await publish(sequent, 'decided', ['first', 'second']);
  await sequent.run(['fn', 'alias', 'set', 'decided', 'prod', 'v1']);
  await sequent.run([
    'fn',
    'alias',
    'set',
    'decided',
    'prod',
    'v2',
    '--canary',
    '50%',
    '--auto',
    '--promote-after',
    '20',
    '--auto-margin',
    '40',
  ]);
  const path = '/api/functions/decided/invocations?qualifier=!prod&batch';
  await sequent.call(path, { method: 'POST', body: Array.from({ length: 100 }, () => ({})) });
  await until('the canary is promoted', async () => {
    const [alias] = (await sequent.call<FunctionView>('/api/functions/decided')).aliases;
    return alias?.decision;
  });
  for (const [language, text] of [
    ['en', /^v2 was promoted by itself/],
    ['zh-CN', /^v2 已自动提升/],
  ] as const) {
    await using watched = await browser.open(`${sequent.url}/functions/decided`, { language });
    await watched.page.getByText(text).waitFor();
  }
  expect((await sequent.run(['fn', 'alias', 'ls', 'decided'])).stdout).toContain('v2 was promoted by itself');
});

test('an undecided canary says in both languages what it needs, and how a person decides', async ({ sequent, browser }) => {
  await publish(sequent, 'open', ['first', 'second']);
  await sequent.run(['fn', 'alias', 'set', 'open', 'prod', 'v1']);
  await sequent.run(['fn', 'alias', 'set', 'open', 'prod', 'v2', '--canary', '50%', '--auto', '--promote-after', '20']);
  const path = '/api/functions/open/invocations?qualifier=!prod&batch';
  await sequent.call(path, { method: 'POST', body: Array.from({ length: 100 }, () => ({})) });
  await until('the canary is undecided', async () => {
    const [verdict] = (await sequent.call<VersionStats>('/api/functions/open/versions/stats')).verdicts;
    return verdict?.undecided;
  });
  for (const [language, name, text] of [
    ['en', 'Versions side by side', /v2 stays after \d+ ended invocations: .* About \d+ more of its invocations/],
    ['zh-CN', '版本对比', /v2 已结束 \d+ 次调用，保持不变/],
  ] as const) {
    await using watched = await browser.open(`${sequent.url}/functions/open`, { language });
    const card = watched.page.getByRole('region', { name, exact: true }).first();
    await card.getByText(text).waitFor();
    await card.getByText('sequent fn alias promote open prod', { exact: true }).waitFor();
    await card.getByText('sequent fn alias rollback open prod', { exact: true }).waitFor();
    expect(await violationsInBothThemes(watched)).toEqual([]);
    await watched.page.setViewportSize({ width: 360, height: 740 });
    expect(await overflowOf(watched.page)).toEqual([]);
  }
});

test('an alias that was changed while its dialog was open stays, and no new alias replaces it', async ({ sequent, browser }) => {
  await publish(sequent, 'moved', ['first', 'second']);
  await sequent.run(['fn', 'alias', 'set', 'moved', 'prod', 'v1', '--weight', 'v2=50']);
  await using watched = await browser.open(`${sequent.url}/functions/moved`);
  watched.allow(/412/);
  const { page } = watched;
  // The verdict has its place above the aliases, and moves them when it comes.
  await page.getByRole('region', { name: 'Versions side by side', exact: true }).first().getByText('(weight 50 %)').waitFor();
  await page.getByRole('button', { name: 'Edit the alias prod' }).click();
  const edit = page.getByRole('dialog', { name: 'Alias !prod' });
  await sequent.run(['fn', 'alias', 'rollback', 'moved', 'prod']);
  await edit.getByLabel('Description').fill('watched');
  await edit.getByRole('button', { name: 'Save the alias' }).click();
  await edit.getByText(/function "moved" was changed/).waitFor();
  const { aliases } = await sequent.call<FunctionView>('/api/functions/moved');
  expect(aliases).toEqual([{ alias: 'prod', version: 'v1', weights: {}, description: '' }]);
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'New alias…' }).click();
  const create = page.getByRole('dialog', { name: 'New alias of moved' });
  await create.getByLabel('Name of the alias').fill('prod');
  await create.getByText('An alias with this name exists.').waitFor();
  expect(await create.getByRole('button', { name: 'Save the alias' }).isDisabled()).toBe(true);
});

test('a function of a package has its own page, code, invocations and logs', async ({ sequent, browser }) => {
  await publish(sequent, 'report', ['of default']);
  await publish(sequent, 'billing:report', ['of billing']);
  await using watched = await browser.open(`${sequent.url}/functions`);
  const { page } = watched;
  await page.getByRole('link', { name: 'billing:report' }).first().click();
  await page.getByRole('heading', { level: 1, name: 'billing:report' }).waitFor();
  await page.getByRole('link', { name: 'Code', exact: true }).click();
  await page.getByText("'of billing'").waitFor();
  await page.getByRole('button', { name: 'Invoke…' }).click();
  await page.getByRole('button', { name: 'Invoke', exact: true }).click();
  await page.getByRole('heading', { level: 1, name: 'billing:report' }).waitFor();
  await page.getByRole('region', { name: 'Result', exact: true }).getByText('of billing').waitFor();
  await page.goto(`${sequent.url}/?function=billing%3Areport`);
  await expect.poll(() => page.locator('.table-body .row').count()).toBe(1);
});
