import { AckPolicy, type ConsumerInfo, DeliverPolicy, type JetStreamManager, nanos } from 'nats';
import { INVOCATIONS } from '#src/nats/wire/topology.ts';
import { errorCodeOf, isConsumerNotFound, isDeletedWhileInUse } from './errors.ts';

/** Returns a consumer of the log, or `undefined` when no consumer has this name. */
export async function findConsumer(manager: JetStreamManager, name: string): Promise<ConsumerInfo | undefined> {
  try {
    return await manager.consumers.info(INVOCATIONS, name);
  } catch (error) {
    if (isConsumerNotFound(errorCodeOf(error))) return undefined;
    throw error;
  }
}

const UNUSED_FOR_MS = 60_000;

/**
 * Creates a consumer without acknowledgements that delivers a stream in order. It starts at the sequence `from`, or at the first message.
 *
 * The server keeps the consumer in memory, and removes the consumer after one minute without a pull.
 */
export function addEphemeralConsumer(
  manager: JetStreamManager,
  stream: string,
  { from, subject, headersOnly = false }: { from?: number; subject?: string | undefined; headersOnly?: boolean },
): Promise<ConsumerInfo> {
  return manager.consumers.add(stream, {
    ack_policy: AckPolicy.None,
    ...(from === undefined ? { deliver_policy: DeliverPolicy.All } : { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: from }),
    ...(subject === undefined ? {} : { filter_subject: subject }),
    mem_storage: true,
    num_replicas: 1,
    headers_only: headersOnly,
    inactive_threshold: nanos(UNUSED_FOR_MS),
  });
}

/** Deletes a consumer of the log. Returns whether the server deleted it. */
export async function deleteConsumer(manager: JetStreamManager, name: string): Promise<boolean> {
  try {
    return await manager.consumers.delete(INVOCATIONS, name);
  } catch (error) {
    if (isDeletedWhileInUse(error)) return true;
    throw error;
  }
}
