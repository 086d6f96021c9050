import { type ConsumerInfo, DiscardPolicy, type JetStreamManager, type StreamConfig, type StreamInfo } from 'nats';
import { z } from 'zod';
import { messageOf } from '#src/core/errors.ts';
import { parseJson } from '#src/core/json/json.ts';
import { subjects } from '#src/core/names/subjects.ts';
import { formatDuration } from '#src/core/text/format-duration.ts';
import { ServerTime } from '#src/core/time/server-time.ts';
import { GLOBAL_ACCOUNT } from './permissions/accounts.ts';
import type { Connection } from './transport/connection/connection.ts';
import { errorCodeOf, isNoResponders, isStreamNotFound, isTimeout } from './transport/errors.ts';
import { timedInfo } from './transport/server-clock.ts';
import { hasLeader, lossySettings } from './transport/streams/ensure-stream.ts';
import {
  admitsRequests,
  codeStream,
  FLOW_BUCKET,
  FUNCTIONS_BUCKET,
  INVOCATIONS,
  invocationsStream,
  keyValueStream,
  payloadsStream,
  resultsStream,
  STATE_BUCKET,
  type TopologyOptions,
  withoutRequests,
} from './wire/topology.ts';

/** The state of a NATS server, and of the Sequent on it. */
export type Inspection = {
  server: {
    url: string;
    name: string;
    version: string;
    maxPayloadInBytes: number;
    roundTripInMs: number;
    /** How far the server's clock is ahead of this machine's; `undefined` when the server does not send its time. */
    clockAheadInMs: number | undefined;
  };
  storage: { usedInBytes: number; limitInBytes: number | undefined };
  streams: StreamFacts[];
  consumers: ConsumerFacts[];
  /** Whether a scheduler answers. */
  scheduler: boolean;
};

export type StreamFacts =
  /** `isMissing`: JetStream says that there is no such stream. Otherwise the stream may exist, and its facts could not be read. */
  | { name: string; exists: false; isMissing: boolean; why: string }
  | {
      name: string;
      exists: true;
      messages: number;
      bytes: number;
      firstSequence: number;
      subjects: number;
      /** The consumers of the stream, and how many it may have; `undefined` without a limit. */
      consumers: number;
      maxConsumers: number | undefined;
      storage: string;
      replicas: number;
      lastSequence: number;
      hasLeader: boolean;
      /** The maximum of the stored bytes; `undefined` without a limit. */
      maxBytes: number | undefined;
      /** Whether the log accepts requests (ADM1). Always true for another stream. */
      isAdmitting: boolean;
      /** Whether a full stream refuses messages, and deletes none. */
      refusesWhenFull: boolean;
      /** The settings by which the stream deletes or refuses messages although it must keep all of them. Somebody set them by hand. */
      lossy: readonly string[];
    };

/** A durable consumer of the log, such as that of a function. */
export type ConsumerFacts = {
  name: string;
  /** Messages that were not delivered yet. */
  pending: number;
  /** Messages that were delivered and are not acknowledged. */
  unacknowledged: number;
  redelivered: number;
  /** Open pull requests. More than zero means that a process is pulling. */
  waiting: number;
};

/** The streams that every Sequent has, as Sequent creates them. The settings that operators choose play no role here. */
const OPTIONS: TopologyOptions = { replicas: 1, resultsStorage: 'file', resultsMaxAgeInMs: 0 };
const STREAMS = [
  invocationsStream(OPTIONS),
  resultsStream(OPTIONS),
  ...[FUNCTIONS_BUCKET, STATE_BUCKET, FLOW_BUCKET].map((bucket) => keyValueStream(bucket, OPTIONS)),
  codeStream(OPTIONS),
  payloadsStream(OPTIONS),
];

/** Reads the state of NATS and of Sequent. Changes nothing. */
export async function inspect(connection: Connection): Promise<Inspection> {
  const { nats, manager, servers } = connection;
  const time = new ServerTime();
  const streams = await inspectStreams(manager, time);
  const account = await manager.getAccountInfo();
  const limit = account.limits.max_storage;
  return {
    server: {
      url: nats.getServer() || servers,
      name: nats.info?.server_name ?? '',
      version: nats.info?.version ?? '',
      maxPayloadInBytes: nats.info?.max_payload ?? 0,
      roundTripInMs: await nats.rtt(),
      clockAheadInMs: clockAheadOf(time),
    },
    storage: { usedInBytes: account.storage, limitInBytes: limit > 0 ? limit : undefined },
    streams,
    consumers: streams[0]?.exists ? await inspectConsumers(manager) : [],
    scheduler: await schedulerAnswers(connection),
  };
}

async function inspectStreams(manager: JetStreamManager, time: ServerTime): Promise<StreamFacts[]> {
  const streams: StreamFacts[] = [];
  for (const wanted of STREAMS) {
    const { name = '' } = wanted;
    try {
      const { info, sample } = await timedInfo({ manager }, name);
      if (sample !== undefined) time.add(sample);
      streams.push({ ...factsOf(name, info), lossy: lossyIn(info.config, wanted) });
    } catch (error) {
      streams.push({ name, exists: false, isMissing: isStreamNotFound(errorCodeOf(error)), why: messageOf(error) });
    }
  }
  return streams;
}

/** No setting takes a seal back. */
export const SEALED = 'sealed';

/** The settings by which a stream deletes accepted messages, or refuses or does not answer further ones, as the `nats` command names them. */
function lossyIn(config: StreamConfig, wanted: Partial<StreamConfig>): string[] {
  const { discard, max_age, max_msgs, max_msgs_per_subject, max_msg_size, no_ack } = lossySettings(config, wanted);
  const { subjects: needed = [], name } = wanted;
  // A log that refuses requests lacks their subjects (ADM2).
  const kept = name === INVOCATIONS ? withoutRequests(needed) : needed;
  const missing = kept.filter((subject) => !config.subjects.includes(subject));
  return [
    ...(config.sealed ? [SEALED] : []),
    ...(missing.length === 0 ? [] : [`without the subjects ${missing.join(', ')}`]),
    ...(max_msg_size === undefined ? [] : [`max-msg-size ${config.max_msg_size}`]),
    ...(no_ack === undefined ? [] : ['no-ack']),
    ...(discard === undefined ? [] : [`discard ${config.discard}`]),
    ...(max_age === undefined ? [] : [`max-age ${formatDuration(config.max_age / 1e6)}`]),
    ...(max_msgs === undefined ? [] : [`max-msgs ${config.max_msgs}`]),
    ...(max_msgs_per_subject === undefined ? [] : [`max-msgs-per-subject ${config.max_msgs_per_subject}`]),
  ];
}

function factsOf(name: string, info: StreamInfo): Omit<Extract<StreamFacts, { exists: true }>, 'lossy'> {
  const { state, config } = info;
  return {
    name,
    exists: true,
    messages: state.messages,
    bytes: state.bytes,
    firstSequence: state.first_seq,
    subjects: state.num_subjects ?? 0,
    consumers: state.consumer_count,
    maxConsumers: config.max_consumers > 0 ? config.max_consumers : undefined,
    storage: config.storage,
    replicas: config.num_replicas,
    lastSequence: state.last_seq,
    hasLeader: hasLeader(info),
    maxBytes: config.max_bytes > 0 ? config.max_bytes : undefined,
    isAdmitting: name !== INVOCATIONS || admitsRequests(config.subjects),
    refusesWhenFull: config.discard === DiscardPolicy.New,
  };
}

function clockAheadOf({ offset }: ServerTime): number | undefined {
  return offset === undefined ? undefined : Math.round(-offset.aheadInMs);
}

async function inspectConsumers(manager: JetStreamManager): Promise<ConsumerFacts[]> {
  const found: ConsumerFacts[] = [];
  for await (const info of manager.consumers.list(INVOCATIONS))
    if (info.config.durable_name !== undefined) found.push(consumerFactsOf(info));
  return found.sort((one, other) => one.name.localeCompare(other.name));
}

function consumerFactsOf({ name, num_pending, num_ack_pending, num_redelivered, num_waiting }: ConsumerInfo): ConsumerFacts {
  return { name, pending: num_pending, unacknowledged: num_ack_pending, redelivered: num_redelivered, waiting: num_waiting };
}

/** Asks the schedulers for the request of a stream that cannot exist. Any answer means that a scheduler runs. */
async function schedulerAnswers({ nats }: Connection): Promise<boolean> {
  try {
    await nats.request(subjects.findRequest(), JSON.stringify({ stream: 'doctor' }), { timeout: 1_000 });
    return true;
  } catch (error) {
    if (isNoResponders(error) || isTimeout(error)) return false;
    throw error;
  }
}

/**
 * The account of a connection. `isGlobal`: the account of users that name none, which can share no subject with another account. `hasUsers`:
 * the server asks clients who they are.
 */
export type ConnectionAccount = { name: string; isGlobal: boolean; hasUsers: boolean };

const ANSWER_WITHIN_MS = 1_000;
/** Newer servers send the public key and the name of an account of a JWT. */
const answerSchema = z.object({ data: z.object({ account: z.string(), account_name: z.string().optional() }) });

/** Asks the server for the account of a connection; `undefined` when the user may not ask. */
export async function readAccount({ nats }: Pick<Connection, 'nats'>): Promise<ConnectionAccount | undefined> {
  const reply = await nats.request('$SYS.REQ.USER.INFO', '', { timeout: ANSWER_WITHIN_MS }).catch(() => undefined);
  const found = answerSchema.safeParse(parseJson(reply?.string() ?? '')).data?.data;
  if (found === undefined) return undefined;
  const hasUsers = nats.info?.auth_required ?? false;
  return { name: found.account_name ?? found.account, isGlobal: found.account === GLOBAL_ACCOUNT, hasUsers };
}
