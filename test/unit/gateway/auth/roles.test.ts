import { beforeAll, describe, expect, test } from 'vitest';
import { withToken } from '#src/gateway/auth/credentials.ts';
import { ROLES, type Role } from '#src/gateway/auth/roles.ts';
import { routeRules } from '#src/gateway/auth/route-rules.ts';
import { type OpenedApp, openApp } from '#test/support/gateway/opened-app.ts';

const tokenOf = (role: string): string => `the token of the role ${role}`;
let opened: OpenedApp;
let routes: { method: string; path: string }[];

beforeAll(async () => {
  const credentials = ROLES.map((role) => ({ ...withToken('p1', tokenOf(role)), roles: [role] }));
  opened = await openApp({ credentials: [...credentials, withToken('p1', tokenOf('none'))] });
  routes = opened.app.routes.filter(({ method, path }) => method !== 'ALL' && /^\/(?:api\/(?!session)|v2\/|metrics)/.test(path));
});

async function ask(role: string, method: string, pattern: string) {
  const path = pattern.replaceAll(/:(\w+)/g, (_, name: string) => ({ project: 'p1', urn: 'nobody', name: 'nobody' })[name] ?? 'x');
  const headers = { 'X-Auth-Token': tokenOf(role), 'Content-Type': 'application/json' };
  const response = await opened.app.request(path, { method, headers, ...(method === 'GET' ? {} : { body: 'null' }) });
  const text = await response.text();
  return { status: response.status, missing: /lacks the role \\?"(\w+)/.exec(text)?.[1], text };
}

describe('the rules of the routes', () => {
  test('name every route behind the authentication, and no other', () => {
    expect(Object.keys(routeRules).sort()).toEqual([...new Set(routes.map(({ method, path }) => `${method} ${path}`))].sort());
  });

  test.for(ROLES)('let a credential with the role %s pass exactly where its role is needed', async (role) => {
    const wrong: string[] = [];
    // Event streams do not end, and are covered by their path.
    for (const { method, path } of routes.filter((route) => !/stream|transitions/.test(route.path))) {
      const needed = routeRules[`${method} ${path}`]?.role;
      const { status, missing } = await ask(role, method, path);
      const isAllowed = role === 'admin' || role === needed;
      if (isAllowed ? missing !== undefined : status !== 403 || missing !== needed) wrong.push(`${method} ${path}: ${status} ${missing}`);
    }
    expect(wrong).toEqual([]);
  });

  test('let a credential without roles do everything', async () => {
    for (const { method, path } of routes.filter((route) => !/stream|transitions/.test(route.path)))
      expect((await ask('none', method, path)).missing).toBeUndefined();
  });

  test('refuse with a problem that names the missing role, and in the shape of the vendor', async () => {
    const own = await ask('read', 'PUT', '/api/functions/f');
    expect(JSON.parse(own.text)).toMatchObject({
      status: 403,
      code: 'FORBIDDEN',
      missing_role: 'deploy',
      detail: 'the credential lacks the role "deploy", which this call needs; it has "read"',
    });
    const vendor = await ask('read', 'POST', '/v2/:project/fgs/functions');
    expect(JSON.parse(vendor.text)).toMatchObject({ error_code: 'FSS.0403', error_msg: expect.stringContaining('"deploy"') });
  });

  test('leave a path without a route not found, and an unsupported call unsupported', async () => {
    expect((await ask('read', 'GET', '/api/nothing')).status).toBe(404);
    expect((await ask('invoke', 'GET', '/v2/:project/fgs/functions/statistics')).status).toBe(501);
  });
});

describe('the session of a page', () => {
  test.for<[Role]>([['read'], ['admin']])('has the roles of its credential: %s', async ([role]) => {
    const headers = { 'Content-Type': 'application/json', Origin: 'http://localhost', Host: 'localhost' };
    const begun = await opened.app.request('/api/session', { method: 'POST', headers, body: JSON.stringify({ token: tokenOf(role) }) });
    expect(await begun.json()).toMatchObject({ project: 'p1', roles: [role] });
    const Cookie = begun.headers.get('set-cookie')?.split(';')[0] ?? '';
    expect(await (await opened.app.request('/api/session', { headers: { ...headers, Cookie } })).json()).toMatchObject({ roles: [role] });
    const refused = await opened.app.request('/api/functions/f/pause', { method: 'POST', headers: { ...headers, Cookie } });
    expect(refused.status).toBe(role === 'read' ? 403 : 404);
  });
});
