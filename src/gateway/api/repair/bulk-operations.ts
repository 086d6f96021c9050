import { sealBatchOf } from '#src/client/invoke/seal-bulk-batch.ts';
import { type BulkOperation, bulkStateOf, type StoredBulk } from '#src/core/bulk/bulk-operation.ts';
import type { HistoryFilter } from '#src/core/history-questions.ts';
import { identityOf } from '../../audit.ts';
import { HttpError } from '../../http/http-error.ts';
import type { Call, Gateway } from '../../ports.ts';
import { type Scope, scopeOf } from '../../scope.ts';
import { withoutUndefined } from '../invocations/invocation-view.ts';
import type { Routes } from '../route.ts';
import { bulkQueryOf } from './bulk.ts';
import { type BulkOperationView, bulkOperationSchema, bulkOperationsSchema, bulkStartBodySchema } from './bulk-operation-schemas.ts';

/** Bulk operations, which run in the background: they have an id, their progress is recorded, and they can be aborted. */
export function addBulkOperationRoutes(routes: Routes, gateway: Gateway): void {
  const { bulks, client, clock } = gateway;

  routes.add(
    {
      method: 'post',
      path: '/api/bulk',
      summary:
        'Start a bulk operation: redrive or cancel all invocations that match, or those that are named; or purge those of a function',
      body: bulkStartBodySchema,
      answers: { 202: { description: 'the operation; Location names it', schema: bulkOperationSchema } },
    },
    async (call, { body: { action, filter, invocations, reason, dry_run } }) => {
      const scope = scopeOf(call, gateway);
      if (action === 'purge') return await startPurge(call, gateway, { ...filter, reason, isTrial: dry_run });
      const query = filter === undefined ? undefined : bulkQueryOf(action, filter, { scope, now: clock.now() });
      const counted = query === undefined ? undefined : await client.history.count(query, { atLeast: await client.lastSequence() });
      return await startBulk(call, gateway, {
        action,
        filter: query as Record<string, unknown> | undefined,
        chosen: invocations?.map((one) => ({ id: one.request_id, function: scope.token(one.function) as string })),
        reason,
        total: counted?.count ?? invocations?.length,
        isTotalAtLeast: counted?.isAtLeast,
      });
    },
  );

  routes.add(
    {
      method: 'get',
      path: '/api/bulk',
      summary: 'The bulk operations, the newest first',
      answers: { 200: { description: 'the operations', schema: bulkOperationsSchema } },
    },
    async (call) => {
      const scope = scopeOf(call, gateway);
      const found = (await bulks.list()).filter(({ operation }) => isVisible(operation, scope, gateway));
      return call.json({ operations: found.map((one) => viewOf(one, scope, clock.now())) });
    },
  );

  routes.add(
    {
      method: 'get',
      path: '/api/bulk/{id}',
      summary: 'One bulk operation: its progress and its failures',
      answers: { 200: { description: 'the operation', schema: bulkOperationSchema } },
    },
    async (call, { params: { id } }) => {
      const scope = scopeOf(call, gateway);
      return call.json(viewOf(visible(await bulks.get(id), { scope, id, gateway }), scope, clock.now()));
    },
  );

  routes.add(
    {
      method: 'post',
      path: '/api/bulk/{id}/abort',
      summary: 'Abort a bulk operation; what it has done stays',
      answers: { 202: { description: 'the operation; it ends after at most 50 further invocations', schema: bulkOperationSchema } },
    },
    async (call, { params: { id } }) => {
      const scope = scopeOf(call, gateway);
      const named = { scope, id, gateway };
      visible(await bulks.get(id), named);
      const aborted = visible(await bulks.abort(id, identityOf(call.get('credential'))), named);
      // No process continues an operation that was interrupted.
      if (aborted.operation.state === 'aborted') await sealBatchOf(aborted.operation, client.batches);
      return call.json(viewOf(aborted, scope, clock.now()), 202);
    },
  );
}

type Started = {
  [Key in 'filter' | 'chosen' | 'reason' | 'batch' | 'batchRequest' | 'total' | 'isTotalAtLeast']?: BulkOperation[Key] | undefined;
} & Pick<BulkOperation, 'action'>;

/** Records an operation in the name of the caller, starts it, and replies with it. */
export async function startBulk(call: Call, gateway: Gateway, started: Started): Promise<Response> {
  const { bulks, bulkRunner, clock } = gateway;
  const scope = scopeOf(call, gateway);
  const by = identityOf(call.get('credential'));
  const project = scope.isOpen ? undefined : scope.project;
  const stored = await bulks.create(withoutUndefined({ ...started, by, runner: 'gateway' as const, project }));
  bulkRunner.start(stored);
  return call.json(viewOf(stored, scope, clock.now()), 202, { Location: `/api/bulk/${stored.id}` });
}

type PurgeBody = { function?: string | undefined; to?: number | undefined; reason: string | undefined; isTrial: boolean };

/** Requests an erasure, or its count, in the name of the caller. A janitor performs it, also when no function has the name any more. */
async function startPurge(call: Call, gateway: Gateway, { function: name = '', to = 0, reason, isTrial }: PurgeBody): Promise<Response> {
  const { bulks, clock } = gateway;
  const scope = scopeOf(call, gateway);
  const by = identityOf(call.get('credential'));
  const request = { function: scope.token(name), before: to, by, isTrial, ...(reason === undefined ? {} : { reason }) };
  const stored = await bulks.purge(request);
  return call.json(viewOf(stored, scope, clock.now()), 202, { Location: `/api/bulk/${stored.id}` });
}

/** A purge names no project when its function is of the own one. An operation of an operator concerns all projects. */
function isVisible({ action, project }: BulkOperation, scope: Scope, { tenancy }: Gateway): boolean {
  const concerned = action === 'purge' ? (project ?? tenancy.project) : project;
  return scope.isOpen || concerned === scope.project;
}

type Named = { scope: Scope; id: string; gateway: Gateway };

function visible(stored: StoredBulk | undefined, { scope, id, gateway }: Named): StoredBulk {
  if (stored !== undefined && isVisible(stored.operation, scope, gateway)) return stored;
  throw new HttpError({ status: 404, message: `there is no bulk operation ${id}` });
}

function viewOf({ id, operation }: StoredBulk, scope: Scope, now: number): BulkOperationView {
  const { action, by, runner, chosen, reason, total, isTotalAtLeast, done, failed, leftOut, failures, abortBy, problem } = operation;
  return withoutUndefined({
    id,
    action,
    dry_run: operation.isTrial,
    state: bulkStateOf(operation, now),
    step: operation.step,
    by,
    runner,
    filter: shownFilter(operation.filter as HistoryFilter | undefined, scope),
    selected: chosen?.length,
    reason,
    batch: operation.batch,
    total,
    is_total_at_least: isTotalAtLeast,
    messages: operation.messages,
    done,
    failed,
    left_out: leftOut,
    failures: failures.map(({ id: request_id, function: token, ...why }) => ({ request_id, function: scope.nameOf(token), ...why })),
    started_at: operation.startedAt,
    updated_at: operation.updatedAt,
    ended_at: operation.endedAt,
    abort_requested_by: abortBy,
    problem,
  });
}

function shownFilter(filter: HistoryFilter | undefined, scope: Scope): Record<string, unknown> | undefined {
  if (filter === undefined) return undefined;
  const { project: _, function: token, ...rest } = filter;
  return token === undefined ? rest : { function: scope.nameOf(token), ...rest };
}
