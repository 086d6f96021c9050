import { type AccountLimits, type JetStreamAccountStats, nanos, StorageType, type StreamConfig, type StreamInfo } from 'nats';
import { messageOf, StreamRefusedError } from '#src/core/errors.ts';
import { demandedSize, type StorageLimits } from '#src/nats/wire/stream-sizes.ts';
import { admitsRequests, INVOCATIONS, isRequestSubject, partOf } from '#src/nats/wire/topology.ts';
import type { Connection } from './connection.ts';
import { errorCodeOf, isLimitExceeded, isSizeDemanded, isStreamNotFound } from './errors.ts';

/**
 * Creates the stream, or updates the subjects, the maximum age and a given maximum size of an existing stream.
 *
 * If the account demands a maximum size and none is given, the stream gets its share of the limit of the account. Throws
 * `StreamRefusedError` when a limit of the account or of the server is exceeded.
 */
export async function ensureStream(connection: Connection, wanted: Partial<StreamConfig>): Promise<void> {
  const { manager } = connection;
  const name = wanted.name ?? '';
  const existing = await findStream(connection, name);
  if (existing === undefined) return await createStream(connection, wanted);
  const { max_age = nanos(0), max_bytes = existing.config.max_bytes, metadata = existing.config.metadata } = wanted;
  const { config } = existing;
  const subjects = subjectsFor(config, wanted);
  const hasLimits = config.max_age === max_age && config.max_bytes === max_bytes;
  if (hasLimits && subjects.every((subject) => config.subjects.includes(subject))) return;
  const changed = { subjects, max_age, max_bytes, ...(metadata === undefined ? {} : { metadata }) };
  await manager.streams.update(name, changed).catch((error: unknown) => refuse({ ...wanted, max_bytes }, error));
}

/** A log that refuses requests continues to refuse them (ADM2). */
function subjectsFor({ name, subjects: existing }: StreamConfig, { subjects = [] }: Partial<StreamConfig>): string[] {
  if (name !== INVOCATIONS || admitsRequests(existing)) return subjects;
  return subjects.filter((subject) => !isRequestSubject(subject));
}

/** Returns the state and configuration of a stream, or `undefined` when the stream does not exist. */
export async function findStream({ manager }: Connection, name: string): Promise<StreamInfo | undefined> {
  try {
    return await manager.streams.info(name);
  } catch (error) {
    if (isStreamNotFound(errorCodeOf(error))) return undefined;
    throw error;
  }
}

async function createStream({ manager }: Connection, wanted: Partial<StreamConfig>): Promise<void> {
  try {
    await manager.streams.add(wanted);
  } catch (error) {
    const part = partOf(wanted.name ?? '');
    if (!isSizeDemanded(errorCodeOf(error)) || part === undefined) return refuse(wanted, error);
    const sized = { ...wanted, max_bytes: demandedSize(part, limitsFor(wanted, await manager.getAccountInfo())) };
    await manager.streams.add(sized).catch((cause: unknown) => refuse(sized, cause));
  }
}

/** An account may have limits for each number of replicas. Its general limit counts every copy of a message. */
function limitsFor({ storage, num_replicas: replicas = 1 }: Partial<StreamConfig>, account: JetStreamAccountStats): StorageLimits {
  const tier = account.tiers?.[`R${replicas}` as 'R1']?.limits;
  const limits = tier ?? account.limits;
  const [total, one] = limitsOf(storage, limits);
  const copies = tier === undefined ? replicas : 1;
  return { totalBytes: total > 0 ? total / copies : undefined, streamBytes: one > 0 ? one : undefined };
}

function limitsOf(storage: StorageType | undefined, limits: AccountLimits): [total: number, one: number] {
  if (storage === StorageType.Memory) return [limits.max_memory, limits.memory_max_stream_bytes];
  return [limits.max_storage, limits.storage_max_stream_bytes];
}

function refuse({ name = '', max_bytes: bytes }: Partial<StreamConfig>, cause: unknown): never {
  if (!isLimitExceeded(errorCodeOf(cause))) throw cause;
  throw new StreamRefusedError({ stream: name, bytes, part: partOf(name), why: messageOf(cause) }, { cause });
}
