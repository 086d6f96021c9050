import { z } from 'zod';
import { statusOf } from '#machines/status.ts';
import { momentsOf } from '#src/analysis/history.ts';
import type { Timeline } from '#src/client/client.ts';
import { LATEST } from '#src/core/functions/definition.ts';
import { wholeNumber } from '#src/core/text/whole-number.ts';
import type { Gateway } from '../../ports.ts';
import { type Scope, scopeOf } from '../../scope.ts';
import { count, moment } from '../common-schemas.ts';
import { mapConcurrently } from '../map-concurrently.ts';
import type { Routes } from '../route.ts';
import { findTimeline } from './find-timeline.ts';
import { linkNext } from './list.ts';

const NUMBERS: Readonly<Record<string, number>> = { WAIT: 1, RUNNING: 2, SUCCESS: 3, FAIL: 4, DISCARD: 5 };

/**
 * The rows of the vendor's status log, for functions with `enable_async_status_log`. The rows are computed from the log, which contains
 * every transition, so nothing is stored for them.
 */
export function addStatusLogRoute(routes: Routes, gateway: Gateway): void {
  const { client, records } = gateway;

  routes.add(
    {
      method: 'get',
      path: '/api/status-log',
      summary: "The changes of status of invocations, as rows of the vendor's status log; the newest invocations first",
      query: statusLogQuerySchema,
      answers: { 200: { description: 'the rows; none for a function whose status log is not enabled', schema: statusLogSchema } },
    },
    async (call, { query: { function: name, request_id, limit, cursor } }) => {
      const scope = scopeOf(call, gateway);
      const token = scope.token(name);
      await client.functions.get(token);
      const page =
        request_id === undefined
          ? await client.history.list(
              { ...scope.filter, function: token, limit, ...(cursor === undefined ? {} : { cursor }) },
              { atLeast: await client.lastSequence() },
            )
          : { invocations: [{ id: request_id }], cursor: null };
      const timelines = await mapConcurrently(page.invocations, ({ id }) => findTimeline(gateway, scope, { id, function: name }));
      const rows = timelines.filter((found) => found.function === token && isEnabled(found)).flatMap((found) => rowsOf(found, scope));
      linkNext(call, page.cursor);
      return call.json({ rows, ...(page.cursor === null ? {} : { next_cursor: page.cursor }) });
    },
  );

  function isEnabled({ function: token, qualifier }: Timeline): boolean {
    return (records.asyncConfig(token, qualifier) ?? records.asyncConfig(token, LATEST))?.enable_async_status_log === true;
  }
}

/** One row for each change of the status. */
function rowsOf(timeline: Timeline, scope: Scope): StatusLogRow[] {
  let last = '';
  return momentsOf(timeline).flatMap(({ fact, before, after }) => {
    const status = statusOf(after);
    if (before === after || status === last) return [];
    last = status;
    const failure = fact.type === 'failed' ? fact.failure : undefined;
    return [
      {
        function_urn: scope.urnOf(timeline.function, timeline.qualifier),
        request_id: timeline.requestId,
        seq_status: NUMBERS[status] ?? 0,
        operation_timestamp: fact.at,
        error_code: failure?.code ?? 0,
        error_message: failure?.message ?? '',
      },
    ];
  });
}

const statusLogQuerySchema = z.strictObject({
  function: z.string().min(1).max(256).describe('the function of the invocations'),
  request_id: z.string().min(1).max(64).optional().describe('restricts the rows to one invocation'),
  limit: wholeNumber(1, 100).default(20).describe('the largest number of invocations'),
  cursor: z.string().max(512).optional(),
});

/** A row: one invocation reached one status. */
const rowSchema = z.object({
  function_urn: z.string(),
  request_id: z.string(),
  seq_status: count.describe('1 WAIT, 2 RUNNING, 3 SUCCESS, 4 FAIL, 5 DISCARD'),
  operation_timestamp: moment,
  error_code: count,
  error_message: z.string(),
});
type StatusLogRow = z.infer<typeof rowSchema>;

const statusLogSchema = z.object({ rows: z.array(rowSchema), next_cursor: z.string().optional() });
