import { AckPolicy, type ConsumerConfig, type ConsumerInfo, DeliverPolicy, type JetStreamManager, nanos } from 'nats';
import { messageOf } from '#src/core/errors.ts';
import { errorCodeOf, isAckPendingExceeded, isConsumerNotFound, isDeletedWhileInUse } from '#src/nats/transport/errors.ts';
import { INVOCATIONS } from '#src/nats/wire/topology.ts';

/** Returns a consumer of the log, or `undefined` when no consumer has this name. */
export async function findConsumer(manager: JetStreamManager, name: string): Promise<ConsumerInfo | undefined> {
  try {
    return await manager.consumers.info(INVOCATIONS, name);
  } catch (error) {
    if (isConsumerNotFound(errorCodeOf(error))) return undefined;
    throw error;
  }
}

/**
 * Creates or updates a consumer with `max_ack_pending`, or with the lower value that the account or the server allows.
 *
 * Returns that lower value, or `undefined` when the wanted value is allowed. Only the refusal names the limit of a server.
 */
export async function withinAckLimit(
  wanted: number,
  put: (config: Pick<ConsumerConfig, 'max_ack_pending'>) => Promise<unknown>,
): Promise<number | undefined> {
  try {
    await put({ max_ack_pending: wanted });
    return undefined;
  } catch (error) {
    const allowed = Number(/limit of (\d+)/.exec(messageOf(error))?.[1]);
    if (!isAckPendingExceeded(errorCodeOf(error)) || !(allowed > 0)) throw error;
    await put({ max_ack_pending: allowed });
    return allowed;
  }
}

const UNUSED_FOR_MS = 60_000;

/** Where a consumer starts, and what it delivers. `since` is a time, in milliseconds since the epoch. */
export type EphemeralOptions = { from?: number; since?: number; subject?: string | undefined; headersOnly?: boolean };

/**
 * Creates a consumer without acknowledgements that delivers a stream in order. It starts at the sequence `from`, at the first message of
 * the time `since`, or at the first message.
 *
 * The server keeps the consumer in memory, and removes the consumer after one minute without a pull.
 */
export function addEphemeralConsumer(
  manager: JetStreamManager,
  stream: string,
  { from, since, subject, headersOnly = false }: EphemeralOptions,
): Promise<ConsumerInfo> {
  return manager.consumers.add(stream, {
    ack_policy: AckPolicy.None,
    ...startOf(from, since),
    ...(subject === undefined ? {} : { filter_subject: subject }),
    mem_storage: true,
    num_replicas: 1,
    headers_only: headersOnly,
    inactive_threshold: nanos(UNUSED_FOR_MS),
  });
}

function startOf(from: number | undefined, since: number | undefined): Partial<ConsumerConfig> {
  if (from !== undefined) return { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: from };
  if (since === undefined) return { deliver_policy: DeliverPolicy.All };
  return { deliver_policy: DeliverPolicy.StartTime, opt_start_time: new Date(since).toISOString() };
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
