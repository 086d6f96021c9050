import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openBrowser, type TestBrowser } from '#test/support/web/browser.ts';
import { overflowOf, violationsInBothThemes } from '#test/support/web/looks.ts';
import { startWebSequent, type WebSequent } from '#test/support/web/web-sequent.ts';

const token = 'a-token-for-the-pages';
let sequent: WebSequent;
let browser: TestBrowser;
beforeAll(async () => {
  const credentials = [{ project_id: 'shop', token }];
  [sequent, browser] = await Promise.all([startWebSequent({ isGatewayApart: true, credentials }), openBrowser()]);
});
afterAll(async () => {
  await browser?.[Symbol.asyncDispose]();
  await sequent?.[Symbol.asyncDispose]();
});

/** A browser that has not signed in, where it was led to. */
async function openLogin(path: string) {
  const watched = await browser.open(sequent.url + path);
  watched.allow(/status of 401/);
  await watched.page.getByRole('heading', { name: 'Sign in' }).waitFor();
  return watched;
}

async function signIn({ page }: Awaited<ReturnType<typeof openLogin>>, given: string): Promise<void> {
  await page.getByLabel('Token').fill(given);
  await page.keyboard.press('Enter');
}

describe('the login', () => {
  test('stands before every page, takes a token once, and leads back to what was asked for', async () => {
    await using watched = await openLogin('/functions?order=failing+first');
    const { page } = watched;
    expect(await page.evaluate<string>('document.activeElement.name')).toBe('token');
    expect(await page.getByRole('navigation').count()).toBe(0);
    await signIn(watched, token);
    await page.getByText('npx sequent fn put').waitFor();
    expect(page.url()).toBe(`${sequent.url}/functions?order=failing+first`);
    await page.getByText('shop', { exact: true }).waitFor();
    // No script can read what stands for the token, nothing keeps the token, and no other site can use it.
    const cookies = await page.context().cookies();
    expect(cookies).toMatchObject([{ name: 'sequent_session', httpOnly: true, sameSite: 'Strict', path: '/' }]);
    expect(cookies[0]?.value).not.toContain(token);
    expect(await page.evaluate<string>('document.cookie + JSON.stringify(localStorage) + JSON.stringify(sessionStorage)')).not.toMatch(
      /token|session/,
    );
    await page.reload();
    await page.getByText('npx sequent fn put').waitFor();
  });

  test('says what to do about a token that nobody has, and lets nobody in', async () => {
    await using watched = await openLogin('/system');
    const { page } = watched;
    await signIn(watched, 'not-a-token');
    await page.getByRole('alert').filter({ hasText: 'No credential has this token' }).waitFor();
    expect(await page.context().cookies()).toEqual([]);
    expect(await violationsInBothThemes(watched)).toEqual([]);
    await page.setViewportSize({ width: 360, height: 740 });
    expect(await overflowOf(page)).toEqual([]);
    await signIn(watched, token);
    await page.getByRole('heading', { name: 'System' }).waitFor();
  });

  test('is there again after the sign-out, whose cookie is gone', async () => {
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
  test('says so at the next click, and goes on where it was', async () => {
    await using watched = await openLogin('/functions');
    const { page } = watched;
    await signIn(watched, token);
    await page.getByText('npx sequent fn put').waitFor();
    // As a browser does when its time is up.
    await page.context().clearCookies();
    await page.getByRole('link', { name: 'System' }).click();
    await page.getByText('Your session is over').waitFor();
    await signIn(watched, token);
    await page.getByRole('heading', { name: 'System' }).waitFor();
  });

  test('is seen by a page that only listens, once it has to connect again', async () => {
    await using watched = await openLogin('/');
    const { page } = watched;
    watched.allow(/Failed to load resource/);
    await signIn(watched, token);
    await page.getByText('Live', { exact: true }).waitFor();
    // Not a session of this gateway: its signature is another's.
    const [cookie] = await page.context().cookies();
    const forged = `${cookie?.value.slice(0, -6)}AAAAAA`;
    await page.context().addCookies([{ name: 'sequent_session', value: forged, url: sequent.url, httpOnly: true, sameSite: 'Strict' }]);
    await sequent.stopGateway();
    await sequent.startGateway();
    await page.getByText('Your session is over').waitFor();
  });
});

describe('the pages', () => {
  test('are served under a policy that lets in nothing but themselves', async () => {
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
    // The browser keeps to it: neither what is written into the page nor what is fetched from elsewhere runs.
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

  test('say to a browser that a page is not there, and to a program in its own words', async () => {
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
