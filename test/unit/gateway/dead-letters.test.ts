import { describe, expect } from 'vitest';
import type { AnswerOf, DeliverySummary, QueryOf } from '#src/core/history-questions.ts';
import type { GatewayClient } from '#src/gateway/ports.ts';
import { appTest as base } from '#test/support/gateway/app-test.ts';

const COUNT = 1_300;
/** The newest first. One in a hundred has another reason, and one in two another target. */
const letters = Array.from(
  { length: COUNT },
  (_, index): DeliverySummary => ({
    id: `order-${index}`,
    function: index < 1_000 ? 'test1' : 'test2',
    destination: 'http-0',
    kind: 'HTTP',
    param: index % 2 === 0 ? '{"url":"https://a"}' : '{"url":"https://b"}',
    state: 'dead',
    tries: 3,
    dueAt: null,
    reason: index % 100 === 7 ? 'answered 410 Gone' : 'answered 404 Not Found',
  }),
);

/** Pages as the read model answers them. */
async function deadLetters({ function: name, limit = 100, cursor = '0' }: QueryOf<'dead'> = {}): Promise<AnswerOf<'dead'>> {
  const matching = letters.filter((letter) => name === undefined || letter.function === name);
  const end = Number(cursor) + limit;
  return { deadLetters: matching.slice(Number(cursor), end), cursor: end < matching.length ? String(end) : null };
}

const test = base.extend('read', ({ opened, ask }) => {
  Object.assign(opened.client, { history: { deadLetters } as Partial<GatewayClient['history']> });
  return async <Answer>(path: string): Promise<Answer> => (await ask('GET', path)).json() as Promise<Answer>;
});

describe('the groups of dead letters', () => {
  test('cover all pages, by the fields that are asked for', async ({ read }) => {
    const newest = { request_id: 'order-0', function: 'test1' };
    expect(await read('/api/dead-letters/groups?by=function')).toEqual({
      groups: [
        { function: 'test1', count: 1_000, newest },
        { function: 'test2', count: 300, newest: { request_id: 'order-1000', function: 'test2' } },
      ],
      counted: COUNT,
      is_at_least: false,
    });
    const { groups } = await read<{ groups: object[] }>('/api/dead-letters/groups?function=test1&by=destination,reason');
    const a = { destination: 'HTTP', param: '{"url":"https://a"}', reason: 'answered 404 Not Found', count: 500, newest };
    expect(groups).toMatchObject([a, { param: '{"url":"https://b"}', count: 490 }, { reason: 'answered 410 Gone', count: 10 }]);
  });

  test('are limited by the filters of the list', async ({ read }) => {
    const counted = async (query: string) => (await read<{ counted: number }>(`/api/dead-letters/groups?${query}`)).counted;
    const target = encodeURIComponent('{"url":"https://a"}');
    expect(await counted(`target=${target}`)).toBe(650);
    expect(await counted(`target=${target}&reason=GONE`)).toBe(0);
    expect(await counted('reason=gone&destination=http')).toBe(13);
    expect(await counted('destination=obs')).toBe(0);
  });
});

describe('the list of dead letters', () => {
  test('fills a page with the letters that match, however far apart they are', async ({ read }) => {
    type Page = { dead_letters: { request_id: string }[]; next_cursor?: string };
    const found: string[] = [];
    for (let cursor: string | undefined = ''; cursor !== undefined; ) {
      const page: Page = await read<Page>(`/api/dead-letters?reason=gone&limit=5${cursor === '' ? '' : `&cursor=${cursor}`}`);
      expect(page.dead_letters.length).toBeLessThanOrEqual(5);
      found.push(...page.dead_letters.map(({ request_id }) => request_id));
      cursor = page.next_cursor;
    }
    expect(found).toEqual(Array.from({ length: 13 }, (_, index) => `order-${index * 100 + 7}`));
  });

  test('refuses an unknown field to group by', async ({ ask }) => {
    expect((await ask('GET', '/api/dead-letters/groups?by=colour')).status).toBe(400);
  });
});
