import { openMembersOf, recordCancellation } from '#src/client/invoke/batches.ts';
import { newBatchId } from '#src/core/lines/batch-id.ts';
import type { Gateway } from '../../ports.ts';
import { bulkOperationSchema } from '../repair/bulk-operation-schemas.ts';
import { startBulk } from '../repair/bulk-operations.ts';
import type { Routes } from '../route.ts';
import { batchOf } from './batch-queries.ts';
import {
  batchCancelBodySchema,
  batchOwnerQuerySchema,
  batchRedriveBodySchema,
  batchSealBodySchema,
  batchSealedSchema,
} from './batch-schemas.ts';

const answers = { 202: { description: 'the bulk operation; Location names it', schema: bulkOperationSchema } };

/** Actions on all members of a batch. Each is a bulk operation, which runs in the background, and can be aborted. */
export function addBatchActions(routes: Routes, gateway: Gateway): void {
  const { client } = gateway;

  routes.add(
    {
      method: 'post',
      path: '/api/batches/{id}/cancel',
      summary: 'Cancel the members of a batch that have no outcome; no later member starts',
      query: batchOwnerQuerySchema,
      body: batchCancelBodySchema,
      isBodyOptional: true,
      answers,
    },
    async (call, { params, query, body: { reason } }) => {
      const found = await batchOf(call, gateway, { id: params.id, function: query.function });
      await recordCancellation(client.batches, found);
      const filter = { batch: found.id, function: found.function, state: ['queued', 'running', 'retrying'] };
      return await startBulk(call, gateway, { action: 'cancel', filter, reason, total: openMembersOf(found) });
    },
  );

  routes.add(
    {
      method: 'post',
      path: '/api/batches/{id}/seal',
      summary: 'Seal an open batch: no further member is awaited',
      query: batchOwnerQuerySchema,
      isBodyOptional: true,
      body: batchSealBodySchema,
      answers: { 200: { description: 'whether this request sealed the batch', schema: batchSealedSchema } },
    },
    async (call, { params, query }) => {
      const { id, function: fn } = await batchOf(call, gateway, { id: params.id, function: query.function });
      return call.json({ sealed: await client.batches.seal({ function: fn, id }, 'person') });
    },
  );

  routes.add(
    {
      method: 'post',
      path: '/api/batches/{id}/redrive',
      summary: 'Redrive the failed members of a batch, as the members of a new batch',
      query: batchOwnerQuerySchema,
      body: batchRedriveBodySchema,
      isBodyOptional: true,
      answers,
    },
    async (call, { params, query }) => {
      const found = await batchOf(call, gateway, { id: params.id, function: query.function });
      const filter = { batch: found.id, function: found.function, status: ['FAIL', 'DISCARD'] };
      const total = (found.byStatus.FAIL ?? 0) + (found.byStatus.DISCARD ?? 0);
      const batch = newBatchId(gateway.clock.now());
      const batchRequest = await client.batches.open({ function: found.function, id: batch, redriveOf: found.id });
      return await startBulk(call, gateway, { action: 'redrive', filter, batch, batchRequest, total });
    },
  );
}
