import type { z } from 'zod';
import { type StatsRow, states } from '#src/core/history-questions.ts';
import type { Gateway } from '../../ports.ts';
import { scopeOf } from '../../scope.ts';
import { withoutUndefined } from '../invocations/invocation-view.ts';
import { historyFilter } from '../invocations/list.ts';
import type { Routes } from '../route.ts';
import { functionStatsSchema, statsQuerySchema, type statsRowSchema, statsSchema } from './function-schemas.ts';

type Counts = z.infer<typeof statsRowSchema>;
const HOUR_IN_MS = 3_600_000;
const MIN_BUCKET_IN_MS = 1_000;

/** Counts and durations over a span of time: of one function as a series, and of each function in total. */
export function addStatsRoutes(routes: Routes, gateway: Gateway): void {
  const { client, clock } = gateway;

  routes.add(
    {
      method: 'get',
      path: '/api/functions/{name}/stats',
      summary: 'The counts and durations of the invocations of a function: in total, and over time',
      query: statsQuerySchema,
      answers: { 200: { description: 'the counts', schema: functionStatsSchema } },
    },
    async (call, { params, query: { from: since, to: until, at: moment, buckets, ...filter } }) => {
      const scope = scopeOf(call, gateway);
      const name = scope.token(params.name);
      await client.functions.get(name);
      const to = until ?? clock.now();
      const from = since ?? to - HOUR_IN_MS;
      const bucketInMs = Math.max(MIN_BUCKET_IN_MS, Math.ceil((to - from) / buckets));
      const wanted = { ...historyFilter({ ...filter, function: params.name, from, to }, scope), ...withoutUndefined({ moment }) };
      const [[total], rows] = await Promise.all([client.history.stats(wanted), client.history.stats({ ...wanted, bucketInMs })]);
      return call.json({
        function: params.name,
        from,
        to,
        bucket_ms: bucketInMs,
        total: total === undefined ? ZERO : countsOf(total),
        buckets: rows.map((row) => ({ from: row.from ?? from, ...countsOf(row) })),
      });
    },
  );

  routes.add(
    {
      method: 'get',
      path: '/api/stats',
      summary: 'The total counts and durations of each function',
      query: statsQuerySchema.omit({ buckets: true }),
      answers: { 200: { description: 'a row for each function with an accepted invocation', schema: statsSchema } },
    },
    async (call, { query: { from: since, to: until, at: moment, ...filter } }) => {
      const scope = scopeOf(call, gateway);
      const to = until ?? clock.now();
      const from = since ?? to - HOUR_IN_MS;
      const rows = await client.history.stats({ ...historyFilter({ ...filter, from, to }, scope), ...withoutUndefined({ moment }) });
      return call.json({ from, to, functions: rows.map((row) => ({ function: scope.nameOf(row.function), ...countsOf(row) })) });
    },
  );
}

const ZERO: Counts = { accepted: 0, by_state: Object.fromEntries(states.map((state) => [state, 0])), by_condition: {} };

/** The counts of a row in the shape of the API. */
export function countsOf({ accepted, byState, byCondition, durationInMs, queueInMs }: Omit<StatsRow, 'version'>): Counts {
  const counts = { accepted, by_state: byState, by_condition: byCondition };
  return withoutUndefined({ ...counts, duration_ms: durationInMs ?? undefined, queue_ms: queueInMs ?? undefined });
}
