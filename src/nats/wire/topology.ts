import { DiscardPolicy, nanos, RetentionPolicy, StorageType, type StreamConfig } from 'nats';
import type { StreamName } from '#src/core/log/event-log.ts';
import { type FunctionName, isFunctionName, isRequestId, NO_FUNCTION, type StreamId } from '#src/core/names/names.ts';
import { SEQUENT_SUBJECTS, subjects } from '#src/core/names/subjects.ts';
import type { StreamPart, StreamSizes } from './stream-sizes.ts';

/** The JetStream streams and buckets of Sequent, as data. */

export const INVOCATIONS = 'INVOCATIONS';
export const RESULTS = 'RESULTS';
/** The built-in streams of the DIS destination. */
export const DIS_RECORDS = 'SEQUENT_DIS';
export const FUNCTIONS_BUCKET = 'SEQUENT_FUNCTIONS';
export const STATE_BUCKET = 'SEQUENT_STATE';
/** The ledger of the slots that functions share over all workers. */
export const FLOW_BUCKET = 'SEQUENT_FLOW';
/** The object store with the code of functions. */
export const CODE_BUCKET = 'SEQUENT_CODE';
export const CODE_STREAM = `OBJ_${CODE_BUCKET}`;
/** The object store with the payloads that are too large for the log. */
export const PAYLOADS_BUCKET = 'SEQUENT_PAYLOADS';
export const PAYLOADS_STREAM = `OBJ_${PAYLOADS_BUCKET}`;
/** The data that the HTTP gateway keeps about functions in addition to their definitions. */
export const GATEWAY_BUCKET = 'SEQUENT_GATEWAY';

/** The stream of the signatures that gateways accepted within the last half hour. */
export const SIGNATURES = { name: 'SEQUENT_SIGNATURES', subject: subjects.signatures() } as const;

/** The stream of the audit log. */
export const AUDIT = 'SEQUENT_AUDIT';

const { invoke, invokeOf, derived, invocation, wake, deliver, erase, result, resultOf } = SEQUENT_SUBJECTS;

/** The subjects of the log. A log that refuses requests lacks those of requests (ADM2). */
export const LOG_SUBJECTS: readonly string[] = [invoke, invokeOf, derived, invocation, wake, deliver, erase];
const requestPatterns: readonly string[] = [invoke, invokeOf, derived];
export const withoutRequests = (subjectsOfLog: readonly string[]): string[] =>
  subjectsOfLog.filter((pattern) => !requestPatterns.includes(pattern));
export const admitsRequests = (subjectsOfLog: readonly string[]): boolean =>
  subjectsOfLog.some((pattern) => requestPatterns.includes(pattern));

/** How the JetStream streams are created. */
export type StreamOptions = { replicas: number; sizes?: StreamSizes };

export type TopologyOptions = StreamOptions & {
  resultsStorage: 'file' | 'memory';
  resultsMaxAgeInMs: number;
  /** Whether the server makes an fsync for each message; `undefined` when that is not known. */
  isSyncedAlways?: boolean | undefined;
};

/** The types of the client lack a setting of nats-server 2.12. */
export type LogConfig = Partial<StreamConfig> & { allow_atomic?: boolean };

/**
 * The log: every request and every fact, kept until the archive holds them. When the stream is full, the server refuses new messages and
 * keeps the old ones.
 */
export function invocationsStream({ isSyncedAlways, ...options }: TopologyOptions): LogConfig {
  return {
    name: INVOCATIONS,
    description: 'Sequent: requests, and the facts of every invocation',
    subjects: [...LOG_SUBJECTS],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    discard: DiscardPolicy.New,
    allow_direct: true,
    ...(isSyncedAlways === undefined ? {} : { allow_atomic: isSyncedAlways }),
    ...copiesOf('log', options),
  };
}

/** The results: one message for each invocation, derived from the log, for subscribers. */
export function resultsStream({ resultsStorage, resultsMaxAgeInMs, ...options }: TopologyOptions): Partial<StreamConfig> {
  return {
    name: RESULTS,
    description: 'Sequent: the outcome of every invocation',
    subjects: [result, resultOf],
    retention: RetentionPolicy.Limits,
    storage: resultsStorage === 'memory' ? StorageType.Memory : StorageType.File,
    discard: DiscardPolicy.Old,
    max_age: nanos(resultsMaxAgeInMs),
    allow_direct: true,
    ...copiesOf('results', options),
  };
}

/**
 * The stream of {@link CODE_BUCKET}, with the subjects that NATS clients use for an object store.
 *
 * nats.js cannot create it: the client sends its option `replicas` as a field of the stream, which nats-server refuses from 2.12 on.
 */
export function codeStream(options: StreamOptions): Partial<StreamConfig> {
  return { ...objectStore(CODE_BUCKET), description: 'Sequent: the code of functions', ...copiesOf('code', options) };
}

/** The stream of {@link PAYLOADS_BUCKET}. When the stream is full, it refuses new payloads, and keeps those of accepted invocations. */
export function payloadsStream(options: StreamOptions): Partial<StreamConfig> {
  return { ...objectStore(PAYLOADS_BUCKET), description: 'Sequent: large payloads of invocations', ...copiesOf('payloads', options) };
}

function objectStore(bucket: string): Partial<StreamConfig> {
  return {
    name: `OBJ_${bucket}`,
    subjects: [`$O.${bucket}.C.>`, `$O.${bucket}.M.>`],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    discard: DiscardPolicy.New,
    allow_direct: true,
    allow_rollup_hdrs: true,
  };
}

const DIS_MAX_AGE_IN_MS = 7 * 86_400_000;

/** The JetStream stream with the built-in streams of the DIS destination. Each DIS stream has a subject of its own. */
export function disStream(options: StreamOptions): Partial<StreamConfig> {
  return {
    name: DIS_RECORDS,
    description: 'Sequent: the records that outcomes were pushed as',
    subjects: [SEQUENT_SUBJECTS.disRecord],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    discard: DiscardPolicy.Old,
    max_age: nanos(DIS_MAX_AGE_IN_MS),
    ...copiesOf('dis', options),
  };
}

/** A signature may be dated 15 minutes ahead, and is acceptable until 15 minutes after its date. */
const SIGNATURES_MAX_AGE_IN_MS = 31 * 60_000;

/** The accepted signatures, which gateways share so that no gateway accepts a signature that another gateway has accepted. */
export function signaturesStream(options: StreamOptions): Partial<StreamConfig> {
  return {
    name: SIGNATURES.name,
    description: 'Sequent: the signatures of requests that gateways accepted',
    subjects: [SIGNATURES.subject],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    discard: DiscardPolicy.Old,
    max_age: nanos(SIGNATURES_MAX_AGE_IN_MS),
    ...copiesOf('signatures', options),
  };
}

/** A count instead of a size, because a size is reserved in the account. A message holds up to 200 entries. */
const AUDIT_MAX_MESSAGES = 2_000_000;
/** The share of one project, so that its calls push out no entries of another one (SHARE1). */
const AUDIT_MAX_MESSAGES_OF_PROJECT = 200_000;

/** The audit log. The oldest entries of a project go first. */
export function auditStream({ maxAgeInMs, ...options }: StreamOptions & { maxAgeInMs: number | undefined }): Partial<StreamConfig> {
  return {
    name: AUDIT,
    description: 'Sequent: who did what over HTTP and NATS services',
    subjects: [SEQUENT_SUBJECTS.audit],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    discard: DiscardPolicy.Old,
    max_msgs: AUDIT_MAX_MESSAGES,
    max_msgs_per_subject: AUDIT_MAX_MESSAGES_OF_PROJECT,
    max_age: nanos(maxAgeInMs ?? 0),
    ...copiesOf('audit', options),
  };
}

/** The stream of a bucket of keys, as NATS clients create it. A bucket of another name than those of Sequent has no size. */
export function keyValueStream(bucket: string, options: StreamOptions): Partial<StreamConfig> {
  const name = `KV_${bucket}`;
  const part = partOf(name);
  return {
    name,
    subjects: [`$KV.${bucket}.>`],
    retention: RetentionPolicy.Limits,
    max_msgs_per_subject: 1,
    storage: StorageType.File,
    discard: DiscardPolicy.New,
    // Reads of the ledger decide, so its leader answers them.
    allow_direct: bucket !== FLOW_BUCKET,
    allow_rollup_hdrs: true,
    ...(part === undefined ? { num_replicas: options.replicas } : copiesOf(part, options)),
  };
}

/** The streams that the gateways need in addition to those of all roles. */
export function gatewayStreams(options: Parameters<typeof auditStream>[0]): Partial<StreamConfig>[] {
  return [keyValueStream(GATEWAY_BUCKET, options), signaturesStream(options), auditStream(options)];
}

/**
 * How many consumers a stream of Sequent may have. A function has a consumer of the log while it has work, and each process and subscriber
 * has some. From nats-server 2.15 on, a stream without a number of its own may have 1,000.
 */
export const MAX_CONSUMERS = 100_000;

function copiesOf(part: StreamPart, { replicas, sizes = {} }: StreamOptions): Partial<StreamConfig> {
  const bytes = sizes[part];
  return { num_replicas: replicas, ...(bytes === undefined ? {} : { max_bytes: bytes }) };
}

const parts: Readonly<Record<string, StreamPart>> = {
  [INVOCATIONS]: 'log',
  [RESULTS]: 'results',
  [CODE_STREAM]: 'code',
  [PAYLOADS_STREAM]: 'payloads',
  [DIS_RECORDS]: 'dis',
  [`KV_${FUNCTIONS_BUCKET}`]: 'functions',
  [`KV_${STATE_BUCKET}`]: 'state',
  [`KV_${FLOW_BUCKET}`]: 'flow',
  [`KV_${GATEWAY_BUCKET}`]: 'gateway',
  [SIGNATURES.name]: 'signatures',
  [AUDIT]: 'audit',
};

/** The part that a JetStream stream is; `undefined` for a foreign stream. */
export function partOf(stream: string): StreamPart | undefined {
  return parts[stream];
}

/** The name of the durable consumer that delivers the work of one function. */
export const workConsumer = (name: FunctionName) => `fn-${name}`;

/** The function of a consumer; `undefined` for a consumer of another kind. */
export function functionOfConsumer(consumer: string): FunctionName | undefined {
  const name = consumer.startsWith('fn-') ? consumer.slice('fn-'.length) : '';
  return isFunctionName(name) ? name : undefined;
}

/** The name of the durable consumer that delivers the hints about outcomes with destinations. */
export const DELIVERIES_CONSUMER = 'destinations';

export type SubjectParts =
  | { kind: 'invoke' | 'derived'; function: FunctionName; token: string }
  | { kind: 'invocation'; name: StreamName }
  | { kind: 'wake' | 'deliver'; function: FunctionName }
  | { kind: 'erase' }
  | { kind: 'foreign' };

/** Whether a subject is that of a request. */
export function isRequest(parts: SubjectParts): parts is Extract<SubjectParts, { token: string }> {
  return parts.kind === 'invoke' || parts.kind === 'derived';
}

/** Parses a subject of the INVOCATIONS stream. A token that is no function name becomes {@link NO_FUNCTION}. */
export function parseSubject(subject: string): SubjectParts {
  const [kind, first = '', stream = ''] = subject.split('.');
  // `invoke.<project>.<function>`: the token of the function contains its project.
  const token = kind === 'invoke' && stream !== '' ? `${first}=${stream}` : first;
  // A permission on `invoke.*` reaches no function of another project.
  const isOutside = kind === 'invoke' && first.includes('=');
  const name = isFunctionName(token) && !isOutside ? token : NO_FUNCTION;
  switch (kind) {
    case 'invoke':
    case 'derived':
      return { kind, function: name, token };
    case 'wake':
    case 'deliver':
      return { kind, function: name };
    case 'erase':
      return { kind };
    case 'invocation':
      if (!isRequestId(stream)) return { kind: 'foreign' };
      return { kind, name: { function: name, stream: stream as string as StreamId } };
    default:
      return { kind: 'foreign' };
  }
}
