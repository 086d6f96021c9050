import { describe, expect } from 'vitest';
import type { WatchedPage } from '#test/support/web/browser.ts';
import { startWebSequent } from '#test/support/web/content/web-sequent.ts';
import { overflowOf, violationsInBothThemes } from '#test/support/web/page-checks.ts';
import { pagesTest } from '#test/support/web/pages-test.ts';
import { untranslatedIn } from '#test/support/web/untranslated.ts';

const token = 'a-token-for-the-pages';
const test = pagesTest(() => startWebSequent({ isGatewaySeparate: true, credentials: [{ project_id: 'shop', token }] }))
  /** Opens a page without a session: the browser is redirected to the login. */
  .extend('openLogin', ({ sequent, browser }) => async (path: string) => {
    const watched = await browser.open(sequent.url + path);
    watched.allow(/status of 401/);
    await watched.page.getByRole('heading', { name: 'Sign in' }).waitFor();
    return watched;
  });

async function signIn({ page }: WatchedPage, given: string): Promise<void> {
  await page.getByLabel('Token').fill(given);
  await page.keyboard.press('Enter');
}

describe('the login', () => {
  test('the login precedes every page, takes a token once, and opens the requested page', async ({ sequent, openLogin }) => {
    await using watched = await openLogin('/functions?order=failing+first');
    const { page } = watched;
    await expect.poll(() => page.evaluate<string>('document.activeElement.name')).toBe('token');
    expect(await page.getByRole('navigation').count()).toBe(0);
    await signIn(watched, token);
    await page.getByText('sequent fn put').waitFor();
    await page.waitForURL(`${sequent.url}/functions?order=failing+first`);
    await page.getByText('shop', { exact: true }).waitFor();
    // Scripts cannot read the session cookie, no storage holds the token, and other sites cannot use the session.
    const cookies = await page.context().cookies();
    expect(cookies).toMatchObject([{ name: 'sequent_session', httpOnly: true, sameSite: 'Strict', path: '/' }]);
    expect(cookies[0]?.value).not.toContain(token);
    expect(await page.evaluate<string>('document.cookie + JSON.stringify(localStorage) + JSON.stringify(sessionStorage)')).not.toMatch(
      /token|session/,
    );
    await page.reload();
    await page.getByText('sequent fn put').waitFor();
  });

  test('an unknown token is refused with an advice, and starts no session', async ({ openLogin }) => {
    await using watched = await openLogin('/system');
    const { page } = watched;
    await signIn(watched, 'not-a-token');
    await page.getByRole('alert').filter({ hasText: 'The token is not valid' }).waitFor();
    expect(await page.context().cookies()).toEqual([]);
    expect(await violationsInBothThemes(watched)).toEqual([]);
    await page.setViewportSize({ width: 360, height: 740 });
    expect(await overflowOf(page)).toEqual([]);
    await signIn(watched, token);
    await page.getByRole('heading', { name: 'System' }).waitFor();
  });

  test('the login and its refusal are in Chinese for a browser that prefers Chinese', async ({ sequent, browser }) => {
    await using watched = await browser.open(`${sequent.url}/system`, { language: 'zh-CN', width: 360 });
    watched.allow(/status of 401/);
    const { page } = watched;
    await page.getByRole('heading', { name: '登录' }).waitFor();
    await page.getByLabel('令牌').fill('not-a-token');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').filter({ hasText: '令牌无效' }).waitFor();
    expect(await untranslatedIn(page)).toEqual([]);
    expect(await violationsInBothThemes(watched)).toEqual([]);
    expect(await overflowOf(page)).toEqual([]);
  });

  test('signing out removes the cookie and shows the login again', async ({ openLogin }) => {
    await using watched = await openLogin('/system');
    const { page } = watched;
    await signIn(watched, token);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    expect(await page.context().cookies()).toEqual([]);
    await page.goBack();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    expect(await page.getByText('Durability').count()).toBe(0);
  });
});

describe('a session that ends', () => {
  test('is reported at the next click, and the login continues there', async ({ openLogin }) => {
    await using watched = await openLogin('/functions');
    const { page } = watched;
    await signIn(watched, token);
    await page.getByText('sequent fn put').waitFor();
    // A browser drops the cookie when it expires.
    await page.context().clearCookies();
    await page.getByRole('link', { name: 'System' }).click();
    await page.getByText('Your session has ended').waitFor();
    await signIn(watched, token);
    await page.getByRole('heading', { name: 'System' }).waitFor();
  });

  test('is noticed by a page with a live stream when it reconnects', async ({ sequent, openLogin }) => {
    await using watched = await openLogin('/');
    const { page } = watched;
    watched.allow(/Failed to load resource/);
    await signIn(watched, token);
    await page.getByText('Live', { exact: true }).waitFor();
    // A session with an invalid signature.
    const [cookie] = await page.context().cookies();
    const forged = `${cookie?.value.slice(0, -6)}AAAAAA`;
    await page.context().addCookies([{ name: 'sequent_session', value: forged, url: sequent.url, httpOnly: true, sameSite: 'Strict' }]);
    await sequent.stopGateway();
    await sequent.startGateway();
    await page.getByText('Your session has ended').waitFor();
  });
});

describe('the pages', () => {
  test('are served with a Content-Security-Policy that allows only their own files', async ({ sequent, openLogin }) => {
    const { headers } = await fetch(`${sequent.url}/`);
    const policy = new Map(
      (headers.get('content-security-policy') ?? '').split('; ').map((part) => part.split(' ', 2) as [string, string]),
    );
    expect(Object.fromEntries(policy)).toEqual({
      'default-src': "'none'",
      'script-src': "'self'",
      'style-src': "'self'",
      'img-src': "'self'",
      'connect-src': "'self'",
      'base-uri': "'none'",
      'form-action': "'none'",
      'frame-ancestors': "'none'",
      'require-trusted-types-for': "'script'",
      'trusted-types': "'none'",
    });
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    await using watched = await openLogin('/');
    watched.allow(/Content Security Policy|Trusted/);
    // The browser enforces the policy: neither injected markup nor foreign files take effect.
    const outcome = await watched.page.evaluate<string>(`(async () => {
      const tried = [];
      try { document.body.innerHTML = '<b>x</b>'; tried.push('markup'); } catch {}
      try { document.body.append(Object.assign(document.createElement('script'), { src: 'data:text/javascript,1' })); tried.push('script'); } catch {}
      const style = document.createElement('style');
      style.append('body { display: none }');
      document.body.append(style);
      if (getComputedStyle(document.body).display === 'none') tried.push('style');
      try { await fetch('http://127.0.0.1:9/'); tried.push('fetch'); } catch {}
      return tried.join();
    })()`);
    expect(outcome).toBe('');
  });

  test('report an unknown page to a browser as a page, and to a program as a problem document', async ({ sequent, browser }) => {
    const asked = (accept: string) => fetch(`${sequent.url}/no-such-page`, { headers: { accept } });
    const answers = await Promise.all([asked('text/html,*/*;q=0.8'), asked('application/json')]);
    expect(answers.map(({ status, headers }) => [status, headers.get('content-type')])).toEqual([
      [404, 'text/html; charset=utf-8'],
      [404, 'application/problem+json'],
    ]);
    await using watched = await browser.open(`${sequent.url}/no-such-page`);
    watched.allow(/status of 40[14]/);
    await watched.page.getByText('There is no such page').waitFor();
  });
});
