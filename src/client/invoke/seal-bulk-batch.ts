import type { BulkOperation } from '#src/core/bulk/bulk-operation.ts';
import type { Batches } from './batches.ts';

/** Seals the batch of the invocations that a bulk operation redrove. An operation without a batch has nothing to seal. */
export async function sealBatchOf(
  { batch, batchRequest, filter }: Pick<BulkOperation, 'batch' | 'batchRequest' | 'filter'>,
  batches: Pick<Batches, 'seal'>,
): Promise<void> {
  const fn = filter?.function;
  if (batch !== undefined && typeof fn === 'string') await batches.seal({ function: fn, id: batch, request: batchRequest });
}
