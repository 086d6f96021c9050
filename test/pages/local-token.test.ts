import { describe, expect } from 'vitest';
import { openApp } from '#test/support/gateway/opened-app.ts';
import { writingRoutes } from '#test/support/gateway/writing-routes.ts';
import { startWebSequent, tokenOf } from '#test/support/web/content/web-sequent.ts';
import { pagesTest } from '#test/support/web/pages-test.ts';

const test = pagesTest(() => startWebSequent({ env: { SEQUENT_LOCAL_TOKEN: 'auto' } }));

describe('--local-token auto', () => {
  test('makes a token of 256 bits, and no route of an API answers without the token', async ({ sequent }) => {
    expect(tokenOf(sequent.login)).toMatch(/^[\w-]{43}$/);
    const { app } = await openApp();
    const routes = writingRoutes(app, { project: 'default' }).filter(({ path }) => /^\/(?:api|v2)\//.test(path) && path !== '/api/session');
    const reads = ['/api/functions', '/api/system', '/metrics', '/v2/default/fgs/functions'].map((path) => ({ method: 'GET', path }));
    for (const { method, path } of [...routes, ...reads]) {
      const { status } = await fetch(sequent.url + path, { method, ...(method === 'GET' ? {} : { body: '{}' }) });
      expect([method, path, status]).toEqual([method, path, 401]);
    }
  });

  test('accepts the token from a program', async ({ sequent }) => {
    const headers = { 'x-auth-token': tokenOf(sequent.login) ?? '' };
    expect((await fetch(`${sequent.url}/api/functions`, { headers })).status).toBe(200);
    expect((await fetch(`${sequent.url}/v2/default/fgs/functions`, { headers })).status).toBe(200);
  });

  test('the printed link signs a browser in, and the token stays nowhere in the page', async ({ sequent, browser }) => {
    await using watched = await browser.open(sequent.login ?? '');
    watched.allow(/status of 401/);
    const { page } = watched;
    await page.getByRole('button', { name: 'Sign out' }).waitFor();
    await page.waitForURL(`${sequent.url}/`);
    expect(await page.evaluate<string>('document.cookie + JSON.stringify(localStorage) + location.href')).not.toContain(
      tokenOf(sequent.login),
    );
    await page.reload();
    await page.getByRole('button', { name: 'Sign out' }).waitFor();
  });

  test('a link with an invalid token shows the login', async ({ sequent, browser }) => {
    await using watched = await browser.open(`${sequent.url}/login#token=of-another-start`);
    watched.allow(/status of 401/);
    await watched.page.getByRole('heading', { name: 'Sign in' }).waitFor();
    await watched.page.waitForURL(`${sequent.url}/login`);
    expect(await watched.page.context().cookies()).toEqual([]);
  });
});
