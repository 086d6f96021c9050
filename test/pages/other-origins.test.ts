import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openApp } from '#test/support/gateway/opened-app.ts';
import { type WritingRoute, writingRoutes } from '#test/support/gateway/writing-routes.ts';
import { openBrowser, type TestBrowser } from '#test/support/web/browser.ts';
import { startWebSequent, type WebSequent } from '#test/support/web/content/web-sequent.ts';
import { attack, type Shot } from '#test/support/web/foreign-page.ts';

const FUNCTIONS = '/v2/default/fgs/functions';
const token = 'a-token-for-the-pages';

let open: WebSequent;
let closed: WebSequent;
let browser: TestBrowser;
let elsewhere: Server;
let shots: Shot[];
beforeAll(async () => {
  // The browser resolves the name of an attacker to this machine, as after DNS rebinding.
  const args = ['--host-resolver-rules=MAP evil.test 127.0.0.1'];
  [open, closed, browser] = await Promise.all([
    startWebSequent(),
    startWebSequent({ credentials: [{ project_id: 'default', token }] }),
    openBrowser({ args }),
  ]);
  await open.define('victim');
  elsewhere = createServer((_, response) => response.setHeader('content-type', 'text/html').end('<title>elsewhere</title>'));
  elsewhere.listen(0);
  await once(elsewhere, 'listening');
  const { app } = await openApp();
  shots = writingRoutes(app, { project: 'default', urn: 'victim', name: 'victim' }).map((route) => ({ ...route, body: bodyOf(route) }));
});
afterAll(async () => {
  elsewhere?.close();
  await browser?.[Symbol.asyncDispose]();
  await Promise.all([open, closed].map((sequent) => sequent?.[Symbol.asyncDispose]()));
});

/** A body that the route accepts. */
function bodyOf({ method, path }: WritingRoute): string {
  const file = Buffer.from('exports.handler = () => "run by a page"').toString('base64');
  const inline = { runtime: 'Node.js14.18', timeout: 3, handler: 'index.handler', memory_size: 128 };
  const bodies: Record<string, unknown> = {
    [`POST ${FUNCTIONS}`]: { ...inline, func_name: 'planted', package: 'default', code_type: 'inline', func_code: { file } },
    'PUT /api/functions/victim': { handler: { kind: 'subject', subject: 'fn.planted' } },
    'PATCH /api/functions/victim/policy': { maxRetries: 7 },
    [`PUT ${FUNCTIONS}/victim/config-max-instance`]: { max_instance_num: 3 },
    [`POST ${FUNCTIONS}/victim/versions`]: { version: 'planted' },
    [`POST ${FUNCTIONS}/victim/aliases`]: { name: 'planted', version: 'latest' },
    'POST /api/session': { token },
  };
  return JSON.stringify(bodies[`${method} ${path}`] ?? {});
}

/** Everything that a writing route can change: definitions, invocations and settings. */
async function stateOf(sequent: WebSequent): Promise<unknown> {
  const headers = sequent === closed ? { 'x-auth-token': token } : {};
  // A refusal contains the id of its request, which differs in each request.
  const read = async (path: string) => (await (await fetch(sequent.url + path, { headers })).text()).replace(/"request_id":"[^"]*"/, '');
  const functions = ['/api/functions', FUNCTIONS, `${FUNCTIONS}/victim/versions`, `${FUNCTIONS}/victim/aliases`];
  // The vendor's API answers these lists when the read model includes the whole log.
  const others = [
    `${FUNCTIONS}/victim/async-invocations`,
    `${FUNCTIONS}/victim/async-invoke-configs`,
    `${FUNCTIONS}/async-status-log-detail`,
  ];
  return await Promise.all([...functions, ...others].map(read));
}

/** The answers of the gateway to the writing requests of a page. Preflights are not among them, because browsers hide them. */
function watchAnswers(page: Page, url: string): { method: string; path: string; status: number }[] {
  const answers: { method: string; path: string; status: number }[] = [];
  const { port } = new URL(url);
  page.on('response', (response) => {
    const { pathname, port: targetPort } = new URL(response.url());
    const method = response.request().method();
    if (targetPort === port && method !== 'GET') answers.push({ method, path: pathname, status: response.status() });
  });
  return answers;
}

const port = (): number => (elsewhere.address() as AddressInfo).port;
const origins: [string, () => string, boolean][] = [
  ['another port of localhost', () => `http://localhost:${port()}/`, false],
  ['another port of 127.0.0.1', () => `http://127.0.0.1:${port()}/`, false],
  ['a sandboxed frame, whose origin is null', () => `http://127.0.0.1:${port()}/`, true],
];

describe.each(['localhost', '127.0.0.1'])('a gateway without credentials, called %s', (name) => {
  test.for(origins)('refuses every request of a page at %s', async ([, at, isSandboxed]) => {
    await using watched = await browser.open(at());
    watched.allow(/./);
    const answers = watchAnswers(watched.page, open.url);
    const before = await stateOf(open);
    const target = open.url.replace('127.0.0.1', name);
    expect(await attack(watched.page, { target, shots, isSandboxed })).toEqual([]);
    await expect.poll(() => answers.length).toBeGreaterThanOrEqual(shots.filter(({ method }) => method === 'POST').length);
    expect(answers.filter(({ status }) => status !== 403)).toEqual([]);
    expect(await stateOf(open)).toEqual(before);
  });
});

test('a gateway without credentials refuses every request of a page whose name was rebound to it', async () => {
  const rebound = `http://evil.test:${new URL(open.url).port}`;
  await using watched = await browser.open(`${rebound}/`);
  watched.allow(/./);
  const answers = watchAnswers(watched.page, rebound);
  const before = await stateOf(open);
  expect(await attack(watched.page, { target: rebound, shots, isSandboxed: false })).toEqual([]);
  await expect.poll(() => answers.length).toBeGreaterThanOrEqual(shots.length);
  expect(answers.filter(({ status }) => status !== 403)).toEqual([]);
  expect(await stateOf(open)).toEqual(before);
});

test('a session allows no request of a page at another port', async () => {
  await using watched = await browser.open(`${closed.url}/login`);
  watched.allow(/./);
  const { page } = watched;
  await page.getByLabel('Token').fill(token);
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Sign out' }).waitFor();
  // Cookies are shared by all ports of a host, so the requests of this page carry the session.
  await page.goto(`http://127.0.0.1:${port()}/`);
  const answers = watchAnswers(page, closed.url);
  const before = await stateOf(closed);
  expect(await attack(page, { target: closed.url, shots, isSandboxed: false })).toEqual([]);
  await expect.poll(() => answers.length).toBeGreaterThanOrEqual(shots.filter(({ method }) => method === 'POST').length);
  expect(answers.filter(({ status }) => status !== 403)).toEqual([]);
  expect(await stateOf(closed)).toEqual(before);
  await page.goto(`${closed.url}/system`);
  await page.getByRole('button', { name: 'Sign out' }).waitFor();
});

test('the same requests of a page of the gateway define and run functions', async () => {
  await using watched = await browser.open(`${open.url}/system`);
  watched.allow(/./);
  const answers = watchAnswers(watched.page, open.url);
  await attack(watched.page, { target: open.url, shots: shots.filter(({ method }) => method !== 'DELETE'), isSandboxed: false });
  await expect
    .poll(() => answers)
    .toEqual(
      expect.arrayContaining([
        { method: 'POST', path: FUNCTIONS, status: 200 },
        { method: 'POST', path: '/api/functions/victim/invocations', status: 202 },
        { method: 'POST', path: `${FUNCTIONS}/victim/invocations-async`, status: 202 },
      ]),
    );
  await expect
    .poll(() => open.call(`${FUNCTIONS}/victim/async-invocations?status=SUCCESS`), { timeout: 20_000 })
    .toMatchObject({ count: expect.toSatisfy((count: number) => count >= 2) });
});
