import { describe, expect, test } from 'vitest';
import { ask, openApp } from '#test/support/gateway/opened-app.ts';
import { documentedRoutes } from '#test/support/matrix/calls.ts';
import { MINE, type RouteRule, routeRules } from '#test/support/matrix/route-rules.ts';
import { OWN } from '#test/support/matrix/victims.ts';
import { rawText } from '#test/support/raw-text.ts';

/** Values that no field accepts, or only some fields. */
const wrongValues = ['', ' ', 'a b/../*', 'é'.repeat(5_000), 1.5, -1, 1e15, true, null, [], ['', 1], {}, { unknown: 1 }];

/** The value itself and each value inside it, each in turn replaced with every wrong value; and each object with a field too many. */
function* wronged(value: unknown): Generator<unknown> {
  yield* wrongValues;
  if (typeof value !== 'object' || value === null) return;
  if (Array.isArray(value)) {
    for (const [index, nested] of value.entries()) for (const wrong of wronged(nested)) yield value.with(index, wrong);
    return;
  }
  yield { ...value, unknown: 1, ['é'.repeat(5_000)]: 1 };
  for (const [name, nested] of Object.entries(value)) {
    const { [name]: _, ...rest } = value as Record<string, unknown>;
    yield rest;
    for (const wrong of wronged(nested)) yield { ...value, [name]: wrong };
  }
}

const wrongTexts = [
  '',
  ' ',
  'a b/../*',
  'é'.repeat(1_000),
  '1.5',
  '-1',
  '9'.repeat(20),
  '{}',
  '[]',
  '[{"destination":"OBS","param":"{}"}]',
  '$.a',
];

const parameters: Readonly<Record<string, string>> = { project: 'p1', id: MINE.id, alias: MINE.alias, version: 'v1' };
const pathOf = (route: string): string =>
  (route.split(' ')[1] ?? '').replaceAll(/:(\w+)/g, (_, name: string) => parameters[name] ?? MINE.function);

const opened = await openApp();
const documented = documentedRoutes((await (await ask(opened, 'GET', '/openapi.json')).json()) as never);
const routes = Object.entries(routeRules).filter(([route, { isStream }]) => isStream !== true && !/^ALL|\*/.test(route));

/** What an error of either API says: its title names the kind of error, and is no sentence. */
function saidBy(body: string): string {
  const { detail, errors, error_msg: message } = JSON.parse(body) as Record<string, unknown>;
  return JSON.stringify({ detail, errors, message });
}

type Request = { method: string; path: string; body?: unknown; headers: Record<string, string> };

/** The requests of a route with wrong bodies: the bodies of one value hold each field. */
function* withBodies(route: string, path: string, { bodies, needs = {} }: RouteRule): Generator<Request> {
  const [method = ''] = route.split(' ');
  const wrong = (bodies?.('mine', OWN) ?? []).flatMap((body) => [...wronged(body)]);
  // Forms of a body that differ in one value would be asked again.
  const texts = new Map(wrong.map((body) => [JSON.stringify(body), body]));
  for (const body of texts.values()) yield { method, path: `${path}?${new URLSearchParams(needs)}`, body, headers: {} };
}

/** The requests of a route with a wrong parameter or header, which the OpenAPI document or the rule names. */
function* withParameters(route: string, path: string, { bodies, needs = {}, query = [] }: RouteRule): Generator<Request> {
  const [method = ''] = route.split(' ');
  const { query: named = [], headers: known = [] } = documented.get(route) ?? {};
  const bare = { method, headers: {}, ...(method === 'GET' || bodies === undefined ? {} : { body: bodies('mine', OWN)[0] }) };
  for (const wrong of wrongTexts) {
    for (const name of new Set([...named, ...query, 'unknown'])) {
      const entries = [...Object.entries(needs).filter(([one]) => one !== name), [name, wrong]];
      yield { ...bare, path: `${path}?${new URLSearchParams(entries)}` };
      yield { ...bare, path: `${path}?${new URLSearchParams([...entries, [name, wrong]])}` };
    }
    for (const header of known) yield { ...bare, path, headers: { [header]: encodeURIComponent(wrong) } };
  }
}

describe('a request whose body, query or header has a wrong value', () => {
  test.for(routes)('is refused in words of Sequent by %s', async ([route, rule]) => {
    const path = pathOf(route);
    const failures: string[] = [];
    let refused = 0;
    for (const { method, path: to, body, headers } of [...withBodies(route, path, rule), ...withParameters(route, path, rule)]) {
      await opened.registry.put({ name: MINE.function, handler: { kind: 'inline' } }).catch(() => {});
      const response = await ask(opened, method, to, { headers: { 'if-match': '*', ...headers }, ...(body === undefined ? {} : { body }) });
      if (response.status < 400) continue;
      const text = saidBy(await response.text());
      refused++;
      if (rawText.test(text)) failures.push(`${to.slice(0, 200)} ${JSON.stringify(body)?.slice(0, 300)}: ${text.slice(0, 400)}`);
    }
    expect(failures.slice(0, 5)).toEqual([]);
    if (rule.bodies !== undefined) expect(refused).toBeGreaterThan(0);
  });
});
