import { execFile } from 'node:child_process';
import { createReadStream, existsSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import { promisify } from 'node:util';
import type { Page } from 'playwright-core';
import { describe, expect } from 'vitest';
import { hostileStrings } from '#test/support/web/hostile-strings.ts';
import { pagesTest } from '#test/support/web/pages-test.ts';
import { drawnShareOf } from '#test/support/web/png.ts';
import { deadLinksOf, pagesOf } from '#test/support/web/site-links.ts';
import { MAX_FIRST_LOAD, transferOf } from '../../../build/site/first-load.ts';

const checkout = new URL('../../..', import.meta.url).pathname;
const site = join(checkout, 'dist-site');
const types: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.txt': 'text/plain',
  '.json': 'application/json',
  '.md': 'text/plain',
};

/** Builds the site, and serves it as any server of files does. */
async function openSite() {
  const { stdout, stderr } = await promisify(execFile)('npm', ['run', '--silent', 'site'], {
    cwd: checkout,
    env: { ...process.env, NO_COLOR: '1' },
  });
  const requested: string[] = [];
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? '/', 'http://site').pathname);
    const named = path.endsWith('/') ? `${path}index.html` : existsSync(join(site, path)) ? path : `${path}.html`;
    const file = join(site, named);
    if (!existsSync(file) || !statSync(file).isFile()) return void response.writeHead(404).end();
    requested.push(named.slice(1));
    response.writeHead(200, { 'content-type': `${types[extname(file)] ?? 'application/octet-stream'}; charset=utf-8` });
    createReadStream(file).pipe(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    said: `${stdout}${stderr}`,
    requested,
    at: (path: string) => `http://127.0.0.1:${port}${path}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const test = pagesTest(openSite);

/** The contrast of two colours, as WCAG measures it. */
function contrastOf(colours: readonly string[]): number {
  const [one = 0, other = 0] = colours.map(luminanceOf).sort((first, second) => second - first);
  return (one + 0.05) / (other + 0.05);
}

function luminanceOf(colour: string): number {
  const parts = (colour.match(/[\d.]+/g) ?? []).slice(0, 3).map((part) => Number(part) / (colour.startsWith('rgb') ? 255 : 1));
  const [red = 0, green = 0, blue = 0] = parts.map((part) => (part <= 0.04 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

const wellFormed = (text = ''): string =>
  text.replaceAll(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, '\ufffd');

/** What a foreign text did on the page: a script that ran, an element with a handler, or a frame. */
const harmIn = (page: Page): Promise<string[]> =>
  page.evaluate(`[
    ...(window.hostileRan === undefined ? [] : ['a script ran']),
    ...(Object.prototype.isAdmin === undefined ? [] : ['the prototype was changed']),
    ...[...document.querySelectorAll('body *')].flatMap((one) => one.getAttributeNames().filter((name) => /^on/i.test(name)).map((name) => 'a handler: ' + name)),
    ...[...document.querySelectorAll('iframe, object, embed, base, [href^="javascript:" i]')].map(({ tagName }) => 'an element: ' + tagName),
  ]`);

/** The number of options in code that is part of a text, and those whose line is broken. */
const optionsInCode = `(() => {
  const options = [];
  for (const code of document.querySelectorAll('.vp-doc :not(pre) > code')) {
    const texts = document.createTreeWalker(code, NodeFilter.SHOW_TEXT);
    while (texts.nextNode())
      for (const { 0: option, index } of texts.currentNode.data.matchAll(/(?:^|\\s)--[a-z][a-z-]*/g)) {
        const range = document.createRange();
        range.setStart(texts.currentNode, index + option.search('-'));
        range.setEnd(texts.currentNode, index + option.length);
        options.push([option, new Set([...range.getClientRects()].map(({ top }) => Math.round(top))).size]);
      }
  }
  return [options.length, options.filter(([, lines]) => lines > 1).map(([option]) => option)];
})()`;

describe('the site of the documents', () => {
  // The first test waits for the build, which takes 15 s of processor time.
  test('is built without a warning', { timeout: 600_000 }, ({ sequent }) => {
    expect(sequent.said).toContain('build complete');
    expect(sequent.said.split('\n').filter((line) => /warn|dead link|\(!\)|deprecat/i.test(line))).toEqual([]);
  });

  test.for(['/', '/zh/'])('transfers at most 200 KB for the first load of %s', async (path, { sequent, browser }) => {
    sequent.requested.length = 0;
    await using watched = await browser.open(sequent.at(path));
    await watched.page.waitForLoadState('networkidle');
    const files = new Set(sequent.requested);
    const bytes = transferOf(site, files);
    process.stdout.write(`the first load of ${path} transfers ${bytes} bytes in ${files.size} files\n`);
    expect(files.size).toBeGreaterThan(3);
    expect(bytes).toBeLessThanOrEqual(MAX_FIRST_LOAD);
  });

  test.for([
    ['/', 'dead letter', 'dead-letters'],
    ['/zh/', '死信', 'dead-letters'],
  ])('finds a page by its text in the search of %s', async ([path = '', words = '', page = ''], { sequent, browser }) => {
    await using watched = await browser.open(sequent.at(path));
    await watched.page.locator('.DocSearch-Button').click();
    await watched.page.locator('.search-input').fill(words);
    const found = watched.page.locator(`.VPLocalSearchBox a[href*="${page}"]`).first();
    await found.waitFor();
    expect(await found.getAttribute('href')).toContain(path);
  });

  test.for([
    ['/try', 'light', '3 attempts'],
    ['/zh/try', 'dark', '3 次执行'],
  ] as const)('runs a policy on %s in %s, without a server', async ([path, theme, attempts], { sequent, browser }) => {
    await using watched = await browser.open(sequent.at(path), { theme });
    const { page } = watched;
    await page.locator('.try-outcome').getByText(attempts).waitFor();
    expect(await page.locator('.try-policy .bar.attempt').count()).toBe(3);
    await page.locator('.try-policy input').first().fill('0');
    await page.locator('.try-policy .bar.attempt').nth(1).waitFor({ state: 'detached' });
    // The button of the search is VitePress's.
    expect((await watched.violations()).filter((violation) => !violation.includes('DocSearch-Button'))).toEqual([]);
  });

  test.for([
    ['/architecture', 'light', 'one JetStream stream,'],
    ['/architecture', 'dark', 'append running, expects an empty stream'],
    ['/zh/architecture', 'light', '一个 JetStream 流，'],
    ['/zh/architecture', 'dark', '追加 running，期望流为空'],
  ] as const)('shows the drawings of %s in %s, in the colours of the theme', async ([path, theme, words], { sequent, browser }) => {
    await using watched = await browser.open(sequent.at(path), { theme });
    const { page } = watched;
    const drawings = page.locator('.vp-doc .drawing svg');
    await drawings.nth(1).waitFor();
    expect(await drawings.count()).toBe(2);
    const text = page.locator('.vp-doc .drawing svg').getByText(words, { exact: true }).first();
    await text.scrollIntoViewIfNeeded();
    expect(await text.isVisible()).toBe(true);
    const colours = await text.evaluate((element) => [getComputedStyle(element).fill, getComputedStyle(document.body).backgroundColor]);
    expect(contrastOf(colours)).toBeGreaterThan(4.5);
    // No drawing is wider than its page: it shrinks, or scrolls by itself.
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth)).toBe(true);
    const shown = await drawings.nth(0).screenshot();
    expect(drawnShareOf(shown)).toBeGreaterThan(0.02);
  });

  test('leads from a document to a source file, as text', async ({ sequent, browser }) => {
    await using watched = await browser.open(sequent.at('/security'));
    const href = await watched.page.locator('a[href*="source/"]').first().getAttribute('href');
    const answer = await fetch(new URL(href ?? '', sequent.at('/security')));
    expect(answer.status).toBe(200);
    expect((await answer.text()).length).toBeGreaterThan(100);
  });

  test('has llms.txt with every page, and llms-full.txt with their texts', async ({ sequent }) => {
    const list = await (await fetch(sequent.at('/llms.txt'))).text();
    const links = [...list.matchAll(/\]\((\/[^)]+\.md)\)/g)].map(([, link = '']) => link);
    expect(links.length).toBeGreaterThan(30);
    for (const link of links) expect((await fetch(sequent.at(link))).status, link).toBe(200);
    expect(await (await fetch(sequent.at('/llms-full.txt'))).text()).toContain('# Destinations');
  });

  test('has on each page only links that lead to a page, a file or a heading of the site', ({ sequent }) => {
    expect(sequent.said).toContain('build complete');
    const pages = pagesOf(site);
    expect(pages.length).toBeGreaterThan(60);
    expect(Object.fromEntries(pages.map((page) => [page, deadLinksOf(site, page)]).filter(([, dead]) => dead?.length !== 0))).toEqual({});
  });

  test('runs nothing of a hostile query or fragment, whichever page gets it', { timeout: 300_000 }, async ({ sequent, browser }) => {
    await using watched = await browser.open(sequent.at('/'));
    // VitePress searches its outline for a link to the fragment, without an escape: the browser refuses the selector, and nothing runs.
    watched.allow(/querySelector.* is not a valid selector/s);
    const { page } = watched;
    const asked: string[] = [];
    page.on('dialog', (dialog) => void asked.push(dialog.message(), String(dialog.dismiss())));
    page.on('request', (request) => new URL(request.url()).origin === sequent.at('').replace(/\/$/, '') || asked.push(request.url()));
    const harm: string[] = [];
    for (const [index, path] of pagesOf(site).entries()) {
      const [one = '', other = ''] = [0, 1].map((offset) =>
        encodeURIComponent(wellFormed(hostileStrings[(2 * index + offset) % hostileStrings.length])),
      );
      await page.goto(sequent.at(`${path}?q=${one}&${other}=1#${other}`));
      await page.locator('#VPContent').waitFor();
      harm.push(...(await harmIn(page)).map((what) => `${path}: ${what}`));
    }
    expect([harm, asked]).toEqual([[], []]);
  });

  test('shows hostile words of a search as text, in its field and in its results', { timeout: 300_000 }, async ({ sequent, browser }) => {
    await using watched = await browser.open(sequent.at('/'), { width: 360 });
    const { page } = watched;
    await page.locator('.DocSearch-Button').click();
    const input = page.locator('.search-input');
    const harm: string[] = [];
    for (const text of hostileStrings) {
      // A word of the documents gives results, beside which the rest of the query must stay text.
      await input.fill(`queue ${wellFormed(text).slice(0, 500)}`);
      harm.push(...(await harmIn(page)).map((what) => `${text.slice(0, 60)}: ${what}`));
    }
    expect(harm).toEqual([]);
    // The search waits for a pause between keys: its answer to the last query comes after those to the others.
    await input.fill('qqqqzzzz<>"');
    await page.locator('.VPLocalSearchBox .no-results').getByText('qqqqzzzz<>"').waitFor();
    expect(await harmIn(page)).toEqual([]);
  });

  test.for(['/operations', '/zh/operations', '/functions', '/zh/functions'])(
    'breaks no line inside an option of a command on %s',
    async (path, { sequent, browser }) => {
      await using watched = await browser.open(sequent.at(path), { width: 360 });
      const [options, broken] = await watched.page.evaluate<[number, string[]]>(optionsInCode);
      expect(options).toBeGreaterThan(20);
      expect(broken).toEqual([]);
    },
  );
});
