import { type FoundBatch, findBatch, readMembers } from '#src/client/invoke/batches.ts';
import type { InvocationDetail } from '#src/core/history-questions.ts';
import { openReplyLines } from '../../http/reply-lines.ts';
import type { Call, Gateway } from '../../ports.ts';
import { type Scope, scopeOf } from '../../scope.ts';
import { withoutUndefined } from '../invocations/invocation-view.ts';
import { linkNext } from '../invocations/list.ts';
import type { Routes } from '../route.ts';
import { type BatchView, batchesQuerySchema, batchesSchema, batchOwnerQuerySchema, batchSchema } from './batch-schemas.ts';

const MAX_BUFFERED_BYTES = 64 * 1_024;
const STALL_IN_MS = 30_000;

/** The batches of the caller's functions, the counts of one, and the results of its members. */
export function addBatchQueries(routes: Routes, gateway: Gateway): void {
  const { client } = gateway;

  routes.add(
    {
      method: 'get',
      path: '/api/batches',
      summary: 'Batches with the counts of their members, the greatest id first',
      query: batchesQuerySchema,
      answers: { 200: { description: 'one page; the Link header names the next page', schema: batchesSchema } },
    },
    async (call, { query: { function: name, limit, cursor } }) => {
      const scope = scopeOf(call, gateway);
      const named = withoutUndefined({ function: name === undefined ? undefined : scope.token(name), cursor });
      const page = await client.history.batches({ ...scope.filter, ...named, limit });
      linkNext(call, page.cursor);
      return call.json({
        batches: page.batches.map((batch) => viewOf({ ...batch, sequence: page.sequence }, scope)),
        ...(page.cursor === null ? {} : { next_cursor: page.cursor }),
      });
    },
  );

  routes.add(
    {
      method: 'get',
      path: '/api/batches/{id}',
      summary: 'A batch: how many of its members are in each state',
      query: batchOwnerQuerySchema,
      answers: { 200: { description: 'the batch', schema: batchSchema } },
    },
    async (call, { params, query }) => {
      const found = await batchOf(call, gateway, { id: params.id, function: query.function });
      return call.json(viewOf(found, scopeOf(call, gateway)));
    },
  );

  routes.add(
    {
      method: 'get',
      path: '/api/batches/{id}/results',
      summary: 'The results of the members of a batch as JSON lines, in the order of their acceptance',
      query: batchOwnerQuerySchema,
      answers: { 200: { description: 'a line for each member; an open member has no response', type: 'application/x-ndjson' } },
    },
    async (call, { params, query }) => resultsOf(gateway, await batchOf(call, gateway, { id: params.id, function: query.function })),
  );
}

/** A batch of the caller. Every message that the log holds is counted. Throws `BatchNotFoundError` and `AmbiguousIdError`. */
export async function batchOf(
  call: Call,
  gateway: Gateway,
  { id, function: name }: { id: string; function: string | undefined },
): Promise<FoundBatch> {
  const { client } = gateway;
  const scope = scopeOf(call, gateway);
  const named = { id, function: name === undefined ? undefined : scope.token(name), ...scope.filter };
  return await findBatch(client.history, named, { atLeast: await client.lastSequence() });
}

function viewOf(
  { id, function: token, state, openedAs, openedAt, completedAt, members, byStatus, byState, firstAt, lastAt, sequence }: FoundBatch,
  scope: Scope,
): BatchView {
  return withoutUndefined({
    id,
    function: scope.nameOf(token),
    state,
    request_id: openedAs ?? undefined,
    opened_at: openedAt ?? undefined,
    completed_at: completedAt ?? undefined,
    members,
    by_status: byStatus,
    by_state: byState,
    first_accepted_at: firstAt ?? undefined,
    last_accepted_at: lastAt ?? undefined,
    sequence,
  });
}

function resultsOf(gateway: Gateway, batch: FoundBatch): Response {
  const reply = openReplyLines({ maxBufferedBytes: MAX_BUFFERED_BYTES, stallInMs: STALL_IN_MS });
  async function write(): Promise<void> {
    for await (const members of readMembers(gateway.client.history, batch)) {
      if (reply.gone.aborted || gateway.closing.aborted) return;
      await reply.write(members.map((member) => `${JSON.stringify(resultOf(member))}\n`).join(''));
    }
  }
  write()
    .catch((error: unknown) => {
      gateway.logger.warn({ batch: batch.id, error: String(error) }, 'the results of a batch ended early');
      return reply.write(`${JSON.stringify({ problem: 'the results end early: repeat the request' })}\n`);
    })
    .finally(() => reply.end());
  return new Response(reply.body, { headers: { 'Content-Type': 'application/x-ndjson', 'X-Accel-Buffering': 'no' } });
}

function resultOf({ id, state, status, condition, response }: InvocationDetail): object {
  return withoutUndefined({ request_id: id, state, status, condition: condition ?? undefined, response: response ?? undefined });
}
