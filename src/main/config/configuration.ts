import { join, resolve } from 'node:path';
import { z } from 'zod';
import type { SigningKey } from '#src/archive/heads/open-signer.ts';
import { SequentError } from '#src/core/errors.ts';
import type { Grants } from '#src/core/functions/handler-rules.ts';
import { isLiteralSubject } from '#src/core/names/addressable.ts';
import { isProjectId } from '#src/core/names/names.ts';
import { parseDuration } from '#src/core/text/parse-duration.ts';
import { wholeNumber } from '#src/core/text/whole-number.ts';
import { ISOLATION_MODES } from '#src/hosts/isolation/plan.ts';
import { ANONYMOUS_CHOICES } from '#src/main/nats-server/access.ts';
import { FSYNC_CHOICES, type Fsync } from '#src/main/nats-server/files.ts';
import type { Environment } from '#src/main/nats-server/find.ts';
import type { StreamSizes } from '#src/nats/wire/stream-sizes.ts';
import { conflictsIn } from './conflicts.ts';
import { fileGrant, probeAddress, streamSize, subjectGrant, text, uidRange } from './setting-schemas.ts';

/** The parts of Sequent that run and scale independently. */
const ROLES = ['worker', 'scheduler', 'destinations', 'projection', 'janitor', 'gateway'] as const;
/** As `src/gateway/http/server/tls.ts` has them, a higher layer. */
const CLIENT_AUTH_MODES = ['request', 'require'] as const;
const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

const list = (separated: unknown): unknown => (typeof separated === 'string' ? separated.split(',').map((part) => part.trim()) : separated);
const oneOf = <const Choices extends readonly [string, ...string[]]>(choices: Choices) =>
  z.enum(choices, `must be one of ${choices.join(', ')}`);
/** A duration such as 12h or 7d, in milliseconds. */
const duration = text.regex(/^\d{1,6}(?:s|min|m|h|d)$/, 'must be like 30min, 12h or 7d').transform((given) => parseDuration(given) ?? 0);
/** A duration, or `off`, which is `undefined`. */
const durationOrOff = text.regex(/^(?:off|\d{1,6}(?:s|min|m|h|d))$/, 'must be like 30min, 12h or 7d, or off').transform(parseDuration);
const serverUrl = text.regex(
  /^(?:(?:nats|tls):\/\/)?(?:[^\s@/]+@)?(?:\[[\da-f:.]+\]|[\w.-]+)(?::\d{1,5})?\/?$/i,
  'must be addresses like nats://host:4222, separated by commas',
);
const file = text.transform((path) => resolve(path)).optional();
const origin = text
  .regex(/^https?:\/\/(?:\[[\da-f:.]+\]|[\w.-]+)(?::\d{1,5})?\/?$/i, 'must be origins like https://sequent.example, separated by commas')
  .transform((url) => new URL(url).origin);

const projects = z.preprocess(list, z.array(text.refine(isProjectId, 'must be ids of projects, separated by commas'))).default([]);

/** Every setting with its flag, its environment variable and its schema. The flag overrides the variable, the variable the default. */
const settings = {
  dataDir: { flag: '--data', env: 'SEQUENT_DATA', schema: text.default('.sequent').transform((path) => resolve(path)) },
  natsUrls: { flag: '--server', key: 'natsUrl', env: 'NATS_URL', schema: z.preprocess(list, z.array(serverUrl).min(1)).optional() },
  natsCreds: { flag: '--nats-creds', env: 'NATS_CREDS', schema: file },
  natsNkey: { flag: '--nkey', env: 'NATS_NKEY', schema: file },
  natsCa: { flag: '--tlsca', env: 'NATS_CA', schema: file },
  natsCert: { flag: '--tlscert', env: 'NATS_CERT', schema: file },
  natsKey: { flag: '--tlskey', env: 'NATS_KEY', schema: file },
  natsTlsFirst: {
    flag: '--tlsfirst',
    env: 'NATS_TLS_FIRST',
    schema: z
      .preprocess(String, oneOf(['true', 'false']))
      .prefault('false')
      .transform((given) => given === 'true'),
  },
  natsDomain: { flag: '--domain', env: 'NATS_JS_DOMAIN', schema: text.regex(/^[^\s.*>]+$/, 'must be one token of a subject').optional() },
  natsInboxPrefix: {
    flag: '--inbox-prefix',
    env: 'NATS_INBOX_PREFIX',
    schema: text.refine(isLiteralSubject, 'must be a subject without wildcards').optional(),
  },
  natsAnonymous: { flag: '--nats-anonymous', env: 'SEQUENT_NATS_ANONYMOUS', schema: oneOf(ANONYMOUS_CHOICES).default('on') },
  natsContext: {
    flag: '--context',
    env: 'NATS_CONTEXT',
    schema: text.regex(/^[^/\\]+$/, 'must be the name of a context of the nats command').optional(),
  },
  respondersUrls: {
    flag: '--responders-server',
    key: 'respondersServer',
    env: 'SEQUENT_RESPONDERS_NATS_URL',
    schema: z.preprocess(list, z.array(serverUrl).min(1)).optional(),
  },
  respondersCreds: { flag: '--responders-creds', env: 'SEQUENT_RESPONDERS_NATS_CREDS', schema: file },
  respondersNkey: { flag: '--responders-nkey', env: 'SEQUENT_RESPONDERS_NATS_NKEY', schema: file },
  httpPort: { flag: '--http-port', env: 'SEQUENT_HTTP_PORT', schema: wholeNumber(0, 65_535).prefault('8080') },
  httpHost: { flag: '--http-host', env: 'SEQUENT_HTTP_HOST', schema: text.optional() },
  httpOrigins: { flag: '--http-origins', env: 'SEQUENT_HTTP_ORIGINS', schema: z.preprocess(list, z.array(origin)).default([]) },
  httpTlsCert: { flag: '--http-tls-cert', env: 'SEQUENT_HTTP_TLS_CERT', schema: file },
  httpTlsKey: { flag: '--http-tls-key', env: 'SEQUENT_HTTP_TLS_KEY', schema: file },
  httpTlsClientCa: { flag: '--http-tls-client-ca', env: 'SEQUENT_HTTP_TLS_CLIENT_CA', schema: file },
  httpTlsClientAuth: {
    flag: '--http-tls-client-auth',
    env: 'SEQUENT_HTTP_TLS_CLIENT_AUTH',
    schema: oneOf(CLIENT_AUTH_MODES).default('request'),
  },
  probes: { flag: '--probes', env: 'SEQUENT_PROBES', schema: probeAddress.optional() },
  credentials: { flag: '--credentials', env: 'SEQUENT_CREDENTIALS', schema: file },
  localToken: { flag: '--local-token', env: 'SEQUENT_LOCAL_TOKEN', schema: oneOf(['auto', 'off']).default('off') },
  project: {
    flag: '--project',
    env: 'SEQUENT_PROJECT',
    schema: text.refine(isProjectId, 'must be 1 to 64 letters, digits, "-" or "_"').optional(),
  },
  subjects: { flag: '--subjects', env: 'SEQUENT_SUBJECTS', schema: z.preprocess(list, z.array(subjectGrant)).default([]) },
  files: { flag: '--files', env: 'SEQUENT_FILES', schema: z.preprocess(list, z.array(fileGrant)).default([]) },
  isolation: { flag: '--isolation', env: 'SEQUENT_ISOLATION', schema: oneOf(ISOLATION_MODES).default('require') },
  uids: { flag: '--uids', env: 'SEQUENT_UIDS', schema: uidRange.prefault('100000-165535') },
  functionNetwork: { flag: '--function-network', env: 'SEQUENT_FUNCTION_NETWORK', schema: projects },
  functionProcesses: { flag: '--function-processes', env: 'SEQUENT_FUNCTION_PROCESSES', schema: projects },
  cgroups: { flag: '--cgroups', env: 'SEQUENT_CGROUPS', schema: oneOf(['auto', 'off']).default('auto') },
  httpHandlers: {
    flag: '--http-handlers',
    env: 'SEQUENT_HTTP_HANDLERS',
    schema: z
      .preprocess(
        list,
        z.array(text.regex(/^(?:\[[\da-f:.]+\]|[\da-z.-]+)$/, 'must be private, public, or hosts separated by commas')).min(1),
      )
      .transform((given) => (given.length === 1 && (given[0] === 'private' || given[0] === 'public') ? given[0] : given))
      .optional(),
  },
  redact: {
    flag: '--redact',
    env: 'SEQUENT_REDACT',
    schema: text.transform((given) => (given === 'off' ? given : resolve(given))).optional(),
  },
  replicas: {
    flag: '--replicas',
    env: 'SEQUENT_REPLICAS',
    schema: oneOf(['1', '3', '5'])
      .default('1')
      .transform((count) => Number(count) as 1 | 3 | 5),
  },
  streamSizes: {
    flag: '--stream-sizes',
    env: 'SEQUENT_STREAM_SIZES',
    schema: z
      .preprocess(list, z.array(streamSize))
      .default([])
      .transform((sizes): StreamSizes => Object.fromEntries(sizes)),
  },
  fsync: { flag: '--fsync', env: 'SEQUENT_FSYNC', schema: oneOf(FSYNC_CHOICES).default('100ms') },
  logLevel: { flag: '--log-level', env: 'SEQUENT_LOG_LEVEL', schema: oneOf(LOG_LEVELS).default('info') },
  leaseInMs: { flag: '--lease-ms', env: 'SEQUENT_LEASE_MS', schema: wholeNumber(500, 3_600_000).prefault('15000') },
  patienceInMs: { flag: '--patience-ms', env: 'SEQUENT_PATIENCE_MS', schema: wholeNumber(100, 3_600_000).prefault('5000') },
  clockWarningInMs: { flag: '--clock-warning', env: 'SEQUENT_CLOCK_WARNING', schema: duration.prefault('1s') },
  clockLimitInMs: { flag: '--clock-limit', env: 'SEQUENT_CLOCK_LIMIT', schema: durationOrOff.prefault('24h') },
  maxHops: { flag: '--max-hops', env: 'SEQUENT_MAX_HOPS', schema: wholeNumber(1, 1_000).prefault('16') },
  maxChain: { flag: '--max-chain', env: 'SEQUENT_MAX_CHAIN', schema: wholeNumber(1, 1_000_000).prefault('1000') },
  workerSlots: { flag: '--worker-slots', env: 'SEQUENT_WORKER_SLOTS', schema: wholeNumber(1, 100_000).optional() },
  python: { flag: '--python', env: 'SEQUENT_PYTHON', schema: file },
  emptyPayload: { flag: '--empty-payload', env: 'SEQUENT_EMPTY_PAYLOAD', schema: oneOf(['json', 'refuse']).default('json') },
  deliveryAgeInMs: { flag: '--delivery-age', env: 'SEQUENT_DELIVERY_AGE', schema: duration.prefault('24h') },
  envelope: { flag: '--envelope', env: 'SEQUENT_ENVELOPE', schema: oneOf(['documented', 'observed']).default('documented') },
  connections: { flag: '--connections', env: 'SEQUENT_CONNECTIONS', schema: file },
  retentionInMs: { flag: '--retention', env: 'SEQUENT_RETENTION', schema: durationOrOff.prefault('7d') },
  retentionInvocations: {
    flag: '--retention-invocations',
    env: 'SEQUENT_RETENTION_INVOCATIONS',
    schema: z
      .union([z.literal('off').transform(() => undefined), wholeNumber(1, 1e9)], 'must be a whole number from 1 to 1000000000, or off')
      .prefault('1000000'),
  },
  historyRetentionInMs: { flag: '--history-retention', env: 'SEQUENT_HISTORY_RETENTION', schema: durationOrOff.prefault('off') },
  auditRetentionInMs: { flag: '--audit-retention', env: 'SEQUENT_AUDIT_RETENTION', schema: durationOrOff.prefault('90d') },
  archive: {
    flag: '--archive',
    env: 'SEQUENT_ARCHIVE',
    schema: text.transform((location) => (location.startsWith('s3:') ? location : resolve(location))).optional(),
  },
  signingKey: { flag: '--signing-key', env: 'SEQUENT_SIGNING_KEY', schema: file },
  signingCommand: { flag: '--signing-command', env: 'SEQUENT_SIGNING_COMMAND', schema: text.optional() },
  encryptionKey: { flag: '--encryption-key', env: 'SEQUENT_ENCRYPTION_KEY', schema: file },
  encryptionCommand: { flag: '--encryption-command', env: 'SEQUENT_ENCRYPTION_COMMAND', schema: text.optional() },
  roles: {
    flag: '--role',
    env: 'SEQUENT_ROLES',
    schema: z
      .preprocess(list, z.array(oneOf(ROLES)).min(1))
      .default([...ROLES])
      .transform((named) => ROLES.filter((role) => named.includes(role))),
  },
  resultsStorage: { flag: '--results-storage', env: 'SEQUENT_RESULTS_STORAGE', schema: oneOf(['file', 'memory']).optional() },
  resultsMaxAgeInHours: {
    flag: '--results-max-age-hours',
    env: 'SEQUENT_RESULTS_MAX_AGE_HOURS',
    schema: wholeNumber(1, 24 * 366).prefault('24'),
  },
} as const;

type Setting = keyof typeof settings;

/** The settings of a process of Sequent. */
export type Configuration = { readonly [Name in Setting]: z.output<(typeof settings)[Name]['schema']> } & {
  /** The source of each setting; a default has no entry. */
  readonly given: Readonly<Partial<Record<Setting, 'flag' | 'environment'>>>;
};
export type Role = (typeof ROLES)[number];

export type ConfigurationSource = {
  /** The flags by commander's names: `--http-port` is `httpPort`; `--server` is `natsUrl`. A repeatable flag is an array. */
  flags?: Readonly<Record<string, unknown>>;
  env?: Environment;
};

/** A flag or an environment variable is invalid. The message has one line per setting: its name and the problem. */
export class InvalidConfigurationError extends SequentError {
  readonly code = 'INVALID_CONFIGURATION';
  readonly retryable = false;
  readonly exitCode = 2;
  constructor(facts: { problems: readonly string[] }, options?: ErrorOptions) {
    super(facts.problems.join('\n'), options);
  }
}

/** Reads all settings. An empty variable counts as unset. Throws one `InvalidConfigurationError` that names every invalid setting. */
export function readConfiguration({ flags = {}, env = process.env }: ConfigurationSource = {}): Configuration {
  const problems: string[] = [];
  const given: Partial<Record<Setting, 'flag' | 'environment'>> = {};
  const values = Object.entries(settings).map(([name, { env: variable, schema, flag, ...rest }]) => {
    const fromFlag = flags['key' in rest ? rest.key : nameOfFlag(flag)];
    const [source, label] = fromFlag === undefined ? (['environment', variable] as const) : (['flag', flag] as const);
    const value = fromFlag ?? (env[variable] || undefined);
    if (value !== undefined) given[name as Setting] = source;
    const result = schema.safeParse(value);
    if (!result.success) problems.push(`${label} ${result.error.issues[0]?.message}, not ${shown(value)}`);
    return [name, result.data];
  });
  // Each value was parsed by the schema of its own name.
  const read = { ...(Object.fromEntries(values) as Omit<Configuration, 'given'>), given };
  problems.push(...conflictsIn(read));
  if (problems.length > 0) throw new InvalidConfigurationError({ problems });
  return read;
}

/** The folder or bucket of the archive. */
export function archiveOf({ archive, dataDir }: Pick<Configuration, 'archive' | 'dataDir'>): string {
  return archive ?? join(dataDir, 'archive');
}

/** What signs the heads of the log; `undefined` when nothing does. */
export function signingKeyOf({ signingKey, signingCommand }: Pick<Configuration, 'signingKey' | 'signingCommand'>): SigningKey | undefined {
  if (signingCommand !== undefined) return { command: signingCommand };
  return signingKey === undefined ? undefined : { file: signingKey };
}

type TopologySettings = Pick<Configuration, 'replicas' | 'streamSizes' | 'resultsStorage' | 'resultsMaxAgeInHours'>;

/**
 * The replicas, sizes and storage of the streams. `ownFsync` is the mode of a server that this process started.
 *
 * Results derive from the log. Where every stored message costs an fsync, they are therefore kept in memory by default.
 */
export function topologyOf({ replicas, streamSizes: sizes, resultsStorage, resultsMaxAgeInHours }: TopologySettings, ownFsync?: Fsync) {
  const storage = resultsStorage ?? (ownFsync === 'always' ? 'memory' : 'file');
  const isSyncedAlways = ownFsync === undefined ? undefined : ownFsync === 'always';
  return { replicas, sizes, resultsStorage: storage, resultsMaxAgeInMs: resultsMaxAgeInHours * 3_600_000, isSyncedAlways };
}

/** The subjects and folders that other projects may use beyond the defaults. */
export function grantsOf({ subjects, files }: Pick<Configuration, 'subjects' | 'files'>): Grants {
  return { subjects, files };
}

/** The flags and environment variables that Sequent reads, for the help and the documents. */
export function listSettings(): { flag: string; env: string }[] {
  return Object.values(settings).map(({ flag, env }) => ({ flag, env }));
}

function nameOfFlag(flag: string): string {
  return flag.slice(2).replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
}

function shown(value: unknown): string {
  return JSON.stringify(Array.isArray(value) ? value.join(',') : value);
}
