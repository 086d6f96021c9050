import {
  type AccountLimits,
  DiscardPolicy,
  type JetStreamAccountStats,
  nanos,
  StorageType,
  type StreamConfig,
  type StreamInfo,
} from 'nats';
import { messageOf, StreamRefusedError } from '#src/core/errors.ts';
import { systemClock } from '#src/core/ports/clock.ts';
import type { Connection } from '#src/nats/transport/connection/connection.ts';
import {
  errorCodeOf,
  isConsumersExceeded,
  isLimitExceeded,
  isPeerOffline,
  isSizeDemanded,
  isStreamNotFound,
} from '#src/nats/transport/errors.ts';
import { isAtLeast, SHARES_FSYNC_SINCE } from '#src/nats/transport/server-version.ts';
import { demandedSize, type StorageLimits } from '#src/nats/wire/stream-sizes.ts';
import { type LogConfig, MAX_CONSUMERS, partOf } from '#src/nats/wire/topology.ts';

/**
 * Creates the stream, or updates the subjects, the maximum age, a given maximum size and the maximum of consumers of an existing stream. Of a
 * stream that must keep everything, it also takes back settings that were made by hand and delete or refuse messages ({@link lossySettings}).
 *
 * If the account demands a maximum size and none is given, the stream gets its share of the limit of the account. A cluster that has just
 * started may not know all of its servers yet: the request is then repeated for at most 30 s, and `onProblem` is called once.
 *
 * Throws `StreamRefusedError` when a limit of the account or of the server is exceeded.
 */
export async function ensureStream(
  connection: Connection,
  given: LogConfig,
  onProblem: (problem: string) => void = () => {},
): Promise<void> {
  await ensureFound(connection, { given, found: await findStream(connection, given.name ?? ''), onProblem });
}

type Found = { given: LogConfig; found: StreamInfo | undefined; onProblem?: ((problem: string) => void) | undefined };

/** As {@link ensureStream}, after a read that found the stream or did not. Resolves to the subjects, the limits and the replicas that it has then. */
export async function ensureFound(connection: Connection, { given, found, onProblem = () => {} }: Found): Promise<LogConfig> {
  const { manager } = connection;
  const wanted = settingsOf(connection, given);
  const name = wanted.name ?? '';
  if (found === undefined) return (await whenPeersAreThere(name, () => createStream(connection, wanted), onProblem)).config;
  const config: StreamConfig & LogConfig = found.config;
  const { max_age = nanos(0), max_bytes = config.max_bytes, metadata = config.metadata, subjects = [] } = wanted;
  const lossy = lossySettings(config, wanted);
  const batches = wanted.allow_atomic === undefined ? {} : { allow_atomic: wanted.allow_atomic };
  const hasBatches = wanted.allow_atomic === undefined || wanted.allow_atomic === (config.allow_atomic ?? false);
  const hasLimits = config.max_age === max_age && config.max_bytes === max_bytes && Object.keys(lossy).length === 0 && hasBatches;
  await raiseMaxConsumers(connection, config);
  if (hasLimits && subjects.every((subject) => config.subjects.includes(subject))) return config;
  const changed: LogConfig = { ...lossy, ...batches, subjects, max_age, max_bytes, ...(metadata === undefined ? {} : { metadata }) };
  return (await manager.streams.update(name, changed).catch((error: unknown) => refuse({ ...wanted, max_bytes }, error))).config;
}

/** Without what the server does not know: it would refuse the setting, or forget it. */
function settingsOf({ nats }: Connection, { allow_atomic: isAtomic, ...config }: LogConfig): LogConfig {
  const isKnown = isAtomic !== undefined && isAtLeast(nats.info?.version ?? '', SHARES_FSYNC_SINCE);
  return isKnown ? { ...config, allow_atomic: isAtomic } : config;
}

/**
 * The settings of an existing stream by which it deletes accepted messages although `wanted` keeps all of them, or by which it refuses
 * messages or does not acknowledge them, with the values that they must have. A stream that may delete its oldest messages deletes none too early.
 */
export function lossySettings(config: StreamConfig, wanted: Partial<StreamConfig>): Partial<StreamConfig> {
  const refusing = {
    ...(config.max_msg_size > 0 && config.max_msg_size < LARGEST_MESSAGE ? { max_msg_size: NO_LIMIT } : {}),
    ...(config.no_ack ? { no_ack: false } : {}),
  };
  if (wanted.discard !== DiscardPolicy.New) return refusing;
  const { max_age = nanos(0), max_msgs_per_subject: history = NO_LIMIT } = wanted;
  const isShortened = config.max_msgs_per_subject > 0 && (history === NO_LIMIT || config.max_msgs_per_subject < history);
  return {
    ...refusing,
    ...(config.discard === wanted.discard ? {} : { discard: wanted.discard }),
    ...(config.max_age === max_age ? {} : { max_age }),
    ...(config.max_msgs > 0 ? { max_msgs: NO_LIMIT } : {}),
    ...(isShortened ? { max_msgs_per_subject: history } : {}),
  };
}

const NO_LIMIT = -1;
/** One message holds a request, its outcome and their envelope. */
const LARGEST_MESSAGE = 1_048_576;

/** Older servers refuse to change the maximum, and have no limit where a stream names none. */
const CAPS_CONSUMERS_SINCE = '2.15';

/** A server that caps the consumers of a stream also caps those of a stream that an older server created. */
async function raiseMaxConsumers({ nats, manager }: Connection, stream: StreamConfig): Promise<void> {
  const { name, max_consumers: present } = stream;
  if (present >= MAX_CONSUMERS || !isAtLeast(nats.info?.version ?? '', CAPS_CONSUMERS_SINCE)) return;
  const wanted = maxConsumersOf(stream, await manager.getAccountInfo());
  if (present >= wanted) return;
  // The types of the client name only what older servers can change.
  const changed: Partial<StreamConfig> = { max_consumers: wanted };
  await manager.streams.update(name, changed).catch((error: unknown) => {
    // The account allows fewer. Its operator decides.
    if (!isConsumersExceeded(errorCodeOf(error))) throw error;
  });
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

/** Whether a stream has a leader. After the loss of the quorum, each replica answers for itself, with the messages that it holds. */
export function hasLeader({ cluster }: Pick<StreamInfo, 'cluster'>): boolean {
  return cluster === undefined || (cluster.leader ?? '') !== '';
}

const PEERS_WITHIN_MS = 30_000;
const ASK_AGAIN_AFTER_MS = 250;

async function whenPeersAreThere(
  name: string,
  create: () => Promise<StreamInfo>,
  onProblem: (problem: string) => void,
): Promise<StreamInfo> {
  const deadline = performance.now() + PEERS_WITHIN_MS;
  for (let isTold = false; ; isTold = true) {
    try {
      return await create();
    } catch (error) {
      if (!isPeerOffline(error) || performance.now() > deadline) throw error;
      if (!isTold) onProblem(`the JetStream stream ${name} waits for a server of the cluster: ${messageOf(error)}`);
      await systemClock.sleep(ASK_AGAIN_AFTER_MS);
    }
  }
}

/** The size of a JetStream stream in memory that has no configured size: its messages expire, but a burst would fill the memory first. */
const MAX_BYTES_IN_MEMORY = 256_000_000;

async function createStream({ manager }: Connection, given: Partial<StreamConfig>): Promise<StreamInfo> {
  const account = await manager.getAccountInfo();
  const wanted = { ...given, max_consumers: maxConsumersOf(given, account) };
  const isBounded = wanted.storage === StorageType.Memory && wanted.max_bytes === undefined;
  try {
    return await manager.streams.add(isBounded ? { ...wanted, max_bytes: MAX_BYTES_IN_MEMORY } : wanted);
  } catch (error) {
    const part = partOf(wanted.name ?? '');
    const code = errorCodeOf(error);
    const isSizeWrong = isSizeDemanded(code) || (isBounded && isLimitExceeded(code));
    if (!isSizeWrong || part === undefined) return refuse(wanted, error);
    const sized = { ...wanted, max_bytes: demandedSize(part, storageLimitsOf(wanted, account)) };
    return await manager.streams.add(sized).catch((cause: unknown) => refuse(sized, cause));
  }
}

/** An account may have limits for each number of replicas. Its general limit counts every copy of a message. */
function limitsOf(
  { num_replicas: replicas = 1 }: Partial<StreamConfig>,
  account: JetStreamAccountStats,
): AccountLimits & { copies: number } {
  const tier = account.tiers?.[`R${replicas}` as 'R1']?.limits;
  return tier === undefined ? { ...account.limits, copies: replicas } : { ...tier, copies: 1 };
}

/** How many consumers a stream asks for: no more than its account allows. */
function maxConsumersOf(stream: Partial<StreamConfig>, account: JetStreamAccountStats): number {
  const { max_consumers: allowed } = limitsOf(stream, account);
  return allowed > 0 ? Math.min(allowed, MAX_CONSUMERS) : MAX_CONSUMERS;
}

function storageLimitsOf(stream: Partial<StreamConfig>, account: JetStreamAccountStats): StorageLimits {
  const { copies, ...limits } = limitsOf(stream, account);
  const isInMemory = stream.storage === StorageType.Memory;
  const total = isInMemory ? limits.max_memory : limits.max_storage;
  const one = isInMemory ? limits.memory_max_stream_bytes : limits.storage_max_stream_bytes;
  return { totalBytes: total > 0 ? total / copies : undefined, streamBytes: one > 0 ? one : undefined };
}

function refuse({ name = '', max_bytes: bytes }: Partial<StreamConfig>, cause: unknown): never {
  if (!isLimitExceeded(errorCodeOf(cause))) throw cause;
  throw new StreamRefusedError({ stream: name, bytes, part: partOf(name), why: messageOf(cause) }, { cause });
}
