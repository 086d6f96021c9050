import type { HistoryFilter } from '#src/core/history-questions.ts';
import { states, statuses } from '#src/core/history-questions.ts';
import type { Call, Gateway } from '../ports.ts';
import { type Scope, scopeOf } from '../scope.ts';
import { rowOf, withoutUndefined } from './invocation-view.ts';
import type { Routes } from './route.ts';
import { countsQuerySchema, countsSchema, listQuerySchema, listSchema } from './schemas/invocations.ts';

/** Where counting ends: about a millisecond for each state. */
const MOST_COUNTED = 10_000;

/** A filter as the API takes it. */
export type ApiFilter = {
  [Key in 'function' | 'qualifier' | 'root' | 'parent' | 'redrive_of' | 'text']?: string | undefined;
} & { [Key in 'from' | 'to' | 'min_attempts' | 'max_attempts' | 'min_duration_ms' | 'max_duration_ms']?: number | undefined } & Partial<
    Record<'state' | 'status' | 'condition', readonly string[] | undefined>
  >;

/** The same for the history service, narrowed to what the caller may see. */
export function historyFilter(filter: ApiFilter, scope: Scope): HistoryFilter {
  const { function: name, from, to, redrive_of, min_attempts, max_attempts, min_duration_ms, max_duration_ms, ...same } = filter;
  return withoutUndefined({
    ...same,
    ...scope.filter,
    function: name === undefined ? undefined : scope.token(name),
    since: from,
    until: to,
    redriveOf: redrive_of,
    minAttempts: min_attempts,
    maxAttempts: max_attempts,
    minDurationInMs: min_duration_ms,
    maxDurationInMs: max_duration_ms,
  }) as unknown as HistoryFilter;
}

/** Finding invocations, by whatever is known of them. */
export function addListRoutes(routes: Routes, gateway: Gateway): void {
  const { client } = gateway;

  routes.add(
    {
      method: 'get',
      path: '/api/invocations',
      summary: 'Invocations, the newest first, by whatever is known of them',
      query: listQuerySchema,
      answers: { 200: { description: 'one page; the Link header leads to the next', schema: listSchema } },
    },
    async (call, { query: { limit, cursor, at: moment, ...filter } }) => {
      const scope = scopeOf(call, gateway);
      const page = await client.history.list({ ...historyFilter(filter, scope), ...withoutUndefined({ limit, cursor, moment }) });
      linkNext(call, page.cursor);
      return call.json({
        invocations: page.invocations.map((found) => rowOf(found, scope)),
        ...(page.cursor === null ? {} : { next_cursor: page.cursor }),
      });
    },
  );

  routes.add(
    {
      method: 'get',
      path: '/api/invocations/counts',
      summary: 'How many invocations there are in each state and status',
      query: countsQuerySchema,
      answers: { 200: { description: 'the counts', schema: countsSchema } },
    },
    async (call, { query: { at: moment, ...query } }) => {
      const filter = { ...historyFilter(query, scopeOf(call, gateway)), ...withoutUndefined({ moment }) };
      const count = (one: HistoryFilter) => client.history.count({ ...filter, ...one, most: MOST_COUNTED });
      const byState = await Promise.all(states.map(async (state) => [state, await count({ state: [state] })] as const));
      const byStatus = await Promise.all(statuses.map(async (status) => [status, await count({ status: [status] })] as const));
      const counted = (all: readonly (readonly [string, { count: number }])[]) =>
        Object.fromEntries(all.map(([name, found]) => [name, found.count]));
      const isAtLeast = [...byState, ...byStatus].some(([, found]) => found.isAtLeast);
      return call.json({ by_state: counted(byState), by_status: counted(byStatus), most: MOST_COUNTED, is_at_least: isAtLeast });
    },
  );
}

/** The next page, as RFC 8288 has it: the same question with another cursor. */
export function linkNext(call: Call, cursor: string | null): void {
  if (cursor === null) return;
  const url = new URL(call.req.url);
  url.searchParams.set('cursor', cursor);
  call.header('Link', `<${url.pathname}${url.search}>; rel="next"`);
}
