import type { SequentClient } from '#src/client/client.ts';
import type { BulkStore } from '#src/core/bulk/bulk-operation.ts';

/** The records of bulk operations. */
export async function openBulkStore({ connection, clock }: Pick<SequentClient, 'connection' | 'clock'>): Promise<BulkStore> {
  const { createBulkStore } = await import('#src/core/bulk/bulk-operation.ts');
  const { openKeyValue } = await import('#src/nats/key-value.ts');
  const { STATE_BUCKET } = await import('#src/nats/wire/topology.ts');
  return createBulkStore(await openKeyValue(connection, STATE_BUCKET), clock);
}
