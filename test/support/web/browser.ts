import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import { type Browser, chromium, type Page } from 'playwright-core';
import { findOnPath } from '#src/main/find-on-path.mjs';

const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
/** Long enough for a busy machine: a page that takes longer has a defect. */
const TIMEOUT_IN_MS = 40_000;
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

export type Theme = 'light' | 'dark';
type PageOptions = {
  width?: number;
  height?: number;
  theme?: Theme;
  /** The language that the browser prefers, which it sends as `Accept-Language`. */
  language?: string;
  /** Headers of every request, as a proxy in front of the gateway adds them. */
  headers?: Record<string, string>;
  /** The number of device pixels per pixel of the page. */
  scale?: number;
};

/** A page with recorded complaints: closing it fails the test when the page threw, or when the browser reported an error or a warning. */
export interface WatchedPage extends AsyncDisposable {
  readonly page: Page;
  /** Accepts complaints that the test causes itself, such as a refused request or a stopped gateway. */
  allow(complaint: RegExp): void;
  /**
   * The violations of accessibility of any impact that axe finds now, each with its elements. `rules`: those alone that depend on colours, for
   * another theme of a page that was checked by all.
   */
  violations(rules?: 'all' | 'of colours'): Promise<string[]>;
}

/** Chromium without a window, which takes a fifth less time than the whole browser. Each page has a profile of its own. */
export interface TestBrowser extends AsyncDisposable {
  open(url: string, options?: PageOptions): Promise<WatchedPage>;
}

/** Starts the browser that `.ci/run` installs. The pages are built by `sequent serve`. `args` are further flags of the browser. */
export async function openBrowser({ args = [] }: { args?: readonly string[] } = {}): Promise<TestBrowser> {
  const browser = await chromium.launch({
    executablePath: findOnPath('chromium-headless-shell') ?? 'chromium-headless-shell',
    headless: true,
    args: [...flags, ...args],
  });
  return {
    open: (url, options = {}) => openPage(browser, url, options),
    [Symbol.asyncDispose]: () => browser.close(),
  };
}

async function openPage(browser: Browser, url: string, options: PageOptions): Promise<WatchedPage> {
  const { width = 1280, height = 900, theme = 'light', headers = {}, scale = 1, language = 'en-GB' } = options;
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme: theme,
    deviceScaleFactor: scale,
    extraHTTPHeaders: headers,
    // Animations would make pictures differ, and axe would check intermediate colours.
    reducedMotion: 'reduce',
    locale: language,
    timezoneId: 'UTC',
  });
  const page = await context.newPage();
  page.setDefaultTimeout(TIMEOUT_IN_MS);
  const complaints: string[] = [];
  const allowed: RegExp[] = [];
  page.on('pageerror', (error) => complaints.push(`the page threw ${error.stack ?? error.message}`));
  // The browser reports failed requests and violations of the Content-Security-Policy as errors on the console.
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(`${message.text()} (${message.location().url})`);
  });
  page.on('crash', () => complaints.push('the page crashed'));
  await page.goto(url);
  return {
    page,
    allow: (complaint) => void allowed.push(complaint),
    violations: (rules = 'all') => violationsOf(page, rules),
    async [Symbol.asyncDispose]() {
      await context.close();
      const left = complaints.filter((complaint) => !allowed.some((pattern) => pattern.test(complaint)));
      if (left.length > 0) throw new Error(`the page ${url} is not clean:\n${left.join('\n')}`);
    },
  };
}

/** The rules of axe about colours, of those that it applies by default. All others see the same in each theme. */
const runOnly = { 'of colours': ['color-contrast', 'link-in-text-block'], all: undefined };

async function violationsOf(page: Page, rules: keyof typeof runOnly): Promise<string[]> {
  // Through the debugger, because the Content-Security-Policy of the pages allows no foreign script.
  const debugging = await page.context().newCDPSession(page);
  const evaluate = async (expression: string): Promise<unknown> => {
    const { result, exceptionDetails } = await debugging.send('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true });
    if (exceptionDetails !== undefined) throw new Error(`axe failed: ${exceptionDetails.exception?.description}`);
    return result.value;
  };
  // A page has axe until it loads another document.
  if (!(await evaluate('"axe" in window'))) await evaluate(`${axe}; true`);
  const options = JSON.stringify({ resultTypes: ['violations'], runOnly: runOnly[rules] });
  const { violations } = (await evaluate(`axe.run(document, ${options})`)) as AxeResults;
  await debugging.detach();
  return violations.map(
    ({ id, impact, help, nodes }) => `${id} (${impact}): ${help}: ${nodes.map(({ html }) => html.slice(0, 200)).join(' | ')}`,
  );
}
