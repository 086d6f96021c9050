import { poolsNamed } from '#src/core/functions/pool-names.ts';
import type { HistoryFilter } from '#src/core/history-questions.ts';
import { states, statuses } from '#src/core/history-questions.ts';
import type { Call, Gateway } from '../../ports.ts';
import { type Scope, scopeOf } from '../../scope.ts';
import type { Routes } from '../route.ts';
import { countsQuerySchema, countsSchema, listQuerySchema, listSchema } from './invocation-schemas.ts';
import { rowOf, withoutUndefined } from './invocation-view.ts';

/** The count at which the read model stops counting, after about one millisecond for each state. */
const MAX_COUNT = 10_000;

/** A filter in the shape of the API. */
export type ApiFilter = {
  [Key in 'function' | 'qualifier' | 'version' | 'root' | 'parent' | 'redrive_of' | 'text']?: string | undefined;
} & {
  [Key in 'batch' | 'schedule' | 'waits_for' | 'flow_key']?: string | undefined;
} & {
  [Key in 'from' | 'to' | 'due_before' | 'priority' | 'min_attempts' | 'max_attempts' | 'min_duration_ms' | 'max_duration_ms']?:
    | number
    | undefined;
} & Partial<Record<'state' | 'status' | 'condition' | 'wait_kind', readonly string[] | undefined>>;

/** The filter in the shape of the history service, restricted to the caller's project. */
export function historyFilter(filter: ApiFilter, scope: Scope): HistoryFilter {
  const {
    function: name,
    from,
    to,
    due_before,
    redrive_of,
    waits_for,
    flow_key,
    wait_kind,
    min_attempts,
    max_attempts,
    min_duration_ms,
    max_duration_ms,
    ...same
  } = filter;
  return withoutUndefined({
    ...same,
    ...scope.filter,
    function: name === undefined ? undefined : scope.token(name),
    since: from,
    until: to,
    dueBefore: due_before,
    redriveOf: redrive_of,
    waitsPool: waits_for === undefined ? undefined : poolsNamed(scope.token(waits_for)),
    waitsKey: flow_key,
    waitsKind: wait_kind,
    minAttempts: min_attempts,
    maxAttempts: max_attempts,
    minDurationInMs: min_duration_ms,
    maxDurationInMs: max_duration_ms,
  }) as unknown as HistoryFilter;
}

/** The list of invocations, and their counts, by a filter. */
export function addListRoutes(routes: Routes, gateway: Gateway): void {
  const { client } = gateway;

  routes.add(
    {
      method: 'get',
      path: '/api/invocations',
      summary: 'Invocations that match a filter, the newest first or in another order',
      query: listQuerySchema,
      answers: { 200: { description: 'one page; the Link header names the next page', schema: listSchema } },
    },
    async (call, { query: { limit, cursor, at: moment, sort: order, include, ...filter } }) => {
      const scope = scopeOf(call, gateway);
      const page = await client.history.list({
        ...historyFilter(filter, scope),
        ...withoutUndefined({ limit, cursor, moment, order, payloads: include && true }),
      });
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
      summary: 'The number of invocations in each state and in each status',
      query: countsQuerySchema,
      answers: { 200: { description: 'the counts', schema: countsSchema } },
    },
    async (call, { query: { at: moment, ...query } }) => {
      const filter = { ...historyFilter(query, scopeOf(call, gateway)), ...withoutUndefined({ moment }) };
      const count = (one: HistoryFilter) => client.history.count({ ...filter, ...one, most: MAX_COUNT });
      const byState = await Promise.all(states.map(async (state) => [state, await count({ state: [state] })] as const));
      const byStatus = await Promise.all(statuses.map(async (status) => [status, await count({ status: [status] })] as const));
      const counted = (all: readonly (readonly [string, { count: number }])[]) =>
        Object.fromEntries(all.map(([name, found]) => [name, found.count]));
      const isAtLeast = [...byState, ...byStatus].some(([, found]) => found.isAtLeast);
      return call.json({ by_state: counted(byState), by_status: counted(byStatus), most: MAX_COUNT, is_at_least: isAtLeast });
    },
  );
}

/** Sets the Link header (RFC 8288) to the same query with the cursor of the next page. */
export function linkNext(call: Call, cursor: string | null): void {
  if (cursor === null) return;
  const url = new URL(call.req.url);
  url.searchParams.set('cursor', cursor);
  call.header('Link', `<${url.pathname}${url.search}>; rel="next"`);
}
