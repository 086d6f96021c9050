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
/** A defect, and not a busy machine, keeps a page longer. */
const PATIENCE_IN_MS = 20_000;
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

export type Theme = 'light' | 'dark';
type Look = {
  width?: number;
  height?: number;
  theme?: Theme;
  /** Sent with every request, as a proxy in front of the gateway would. */
  headers?: Record<string, string>;
  /** How many device pixels make a pixel of the page. */
  scale?: number;
};

/** A page that is watched: closing it fails the test when the page threw, or when the browser complained about it. */
export interface WatchedPage extends AsyncDisposable {
  readonly page: Page;
  /** What the browser says of such is no mistake of the page: a refused request, a gateway that is gone. */
  allow(complaint: RegExp): void;
  /** The serious violations of accessibility that axe finds now, each with its places. */
  violations(): Promise<string[]>;
}

/** Chromium, without a window and with a profile of its own. */
export interface TestBrowser extends AsyncDisposable {
  open(url: string, look?: Look): Promise<WatchedPage>;
}

/** Starts the browser that `.ci/run` installs. The pages are built by `sequent serve`. `args` are further flags of the browser. */
export async function openBrowser({ args = [] }: { args?: readonly string[] } = {}): Promise<TestBrowser> {
  const browser = await chromium.launch({
    executablePath: findOnPath('chromium') ?? 'chromium',
    headless: true,
    args: [...flags, ...args],
  });
  return {
    open: (url, look = {}) => openPage(browser, url, look),
    [Symbol.asyncDispose]: () => browser.close(),
  };
}

async function openPage(browser: Browser, url: string, look: Look): Promise<WatchedPage> {
  const { width = 1280, height = 900, theme = 'light', headers = {}, scale = 1 } = look;
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme: theme,
    deviceScaleFactor: scale,
    extraHTTPHeaders: headers,
    // What moves by itself makes pictures differ, and axe judge colours in between.
    reducedMotion: 'reduce',
    locale: 'en-GB',
    timezoneId: 'UTC',
  });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_IN_MS);
  const complaints: string[] = [];
  const allowed: RegExp[] = [];
  page.on('pageerror', (error) => complaints.push(`it threw ${error.stack ?? error.message}`));
  // The browser tells violations of the Content-Security-Policy, and requests that failed, as errors on the console.
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(`${message.text()} (${message.location().url})`);
  });
  page.on('crash', () => complaints.push('it crashed'));
  await page.goto(url);
  return {
    page,
    allow: (complaint) => void allowed.push(complaint),
    violations: () => seriousViolations(page),
    async [Symbol.asyncDispose]() {
      await context.close();
      const left = complaints.filter((complaint) => !allowed.some((pattern) => pattern.test(complaint)));
      if (left.length > 0) throw new Error(`the page ${url} is not clean:\n${left.join('\n')}`);
    },
  };
}

async function seriousViolations(page: Page): Promise<string[]> {
  // Through the debugger: the policy of the pages lets no other code in.
  const debugging = await page.context().newCDPSession(page);
  await debugging.send('Runtime.evaluate', { expression: axe });
  const { result, exceptionDetails } = await debugging.send('Runtime.evaluate', {
    expression: 'axe.run(document, { resultTypes: ["violations"] })',
    awaitPromise: true,
    returnByValue: true,
  });
  await debugging.detach();
  if (exceptionDetails !== undefined) throw new Error(`axe failed: ${exceptionDetails.exception?.description}`);
  const { violations } = result.value as AxeResults;
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html }) => html.slice(0, 200)).join(' | ')}`);
}
