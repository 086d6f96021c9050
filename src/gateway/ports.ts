import type { HttpBindings } from '@hono/node-server';
import type { Context } from 'hono';
import type { EncryptingProject } from '#src/analysis/plain-requests.ts';
import type { SequentClient } from '#src/client/client.ts';
import type { BulkStore, StoredBulk } from '#src/core/bulk/bulk-operation.ts';
import type { History } from '#src/core/history-questions.ts';
import type { Tenancy } from '#src/core/names/tenancy.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import type { Logger } from '#src/core/ports/logger.ts';
import type { AuditEntry, AuditLog } from '#src/core/ports/stores/audit-log.ts';
import type { KeyValue } from '#src/core/ports/stores/key-value.ts';
import type { SignatureLog } from '#src/core/ports/stores/signature-log.ts';
import type { DefinitionLimits } from '#src/core/quotas/definition-limits.ts';
import type { ProjectQuotas } from '#src/core/quotas/project-quotas.ts';
import type { FunctionDirectory } from '#src/functions/directory.ts';
import type { CredentialSet } from './auth/credential-set.ts';
import type { Credential } from './auth/credentials.ts';
import type { FailedAttempts } from './auth/failed-attempts.ts';
import type { ReplayCache } from './auth/replay-cache.ts';
import type { Sessions } from './auth/sessions.ts';
import type { ServedTls } from './http/server/tls.ts';
import type { Metrics } from './metrics/metrics.ts';
import type { LogProblems } from './metrics/problem-metrics.ts';
import type { ReplicaWatch } from './operations/replica-watch.ts';
import type { QuotaGuard } from './quotas/quota-guard.ts';
import type { Records } from './records.ts';

/** The part of the client library that the gateway uses. */
export type GatewayClient = Pick<
  SequentClient,
  | 'functions'
  | 'schedules'
  | 'flow'
  | 'batches'
  | 'packages'
  | 'invokeText'
  | 'invokeTogether'
  | 'invokeOnce'
  | 'invokeTexts'
  | 'result'
  | 'timeline'
  | 'requestPayload'
  | 'responsePayload'
  | 'follow'
  | 'logs'
  | 'lastSequence'
  | 'firstFrom'
  | 'invocationsAt'
  | 'repair'
  | 'history'
  | 'cancel'
  | 'system'
  | 'sequenceAt'
>;

export type GatewayLimits = {
  /** The largest number of requests in progress at one time. */
  requestsInFlight: number;
  /** The largest number of requests that wait for an event: synchronous calls, long polls, event streams. */
  waiting: number;
  /** How long a synchronous call waits for its result. */
  syncInMs: number;
};

export type GatewayOptions = {
  client: GatewayClient;
  /** Whether NATS is connected now. */
  isConnected: () => boolean;
  tenancy: Tenancy;
  /** Holds the fields of the vendor's API that a function's definition lacks, and the sessions. */
  store: KeyValue;
  /** The bulk operations of all gateways and command lines. */
  bulks: BulkStore;
  credentials: CredentialSet;
  /** Without it, the gateway serves HTTP in plain text. */
  tls?: ServedTls | undefined;
  /** Further origins of this gateway: the names by which reverse proxies serve it. */
  origins?: readonly string[];
  limits: GatewayLimits;
  clock: Clock;
  logger: Logger;
  /** Counts what the log holds, for the metrics and the quotas. */
  history: Pick<History, 'ask'>;
  /** The projects that encrypt their payloads now. Without it, no request in plain text is reported. */
  encrypting?: (() => readonly EncryptingProject[]) | undefined;
  signatures: SignatureLog;
  audit: AuditLog;
  /** Compares the replicas of the log. Resolves to their difference in words. Without it, they are not compared. */
  compareReplicas?: () => Promise<string | undefined>;
  /** The filters of the consumers of RESULTS (`readResultFilters`). Without them, no function has a consumer of its results. */
  resultFilters?: (() => Promise<readonly string[] | undefined>) | undefined;
  /** The losses and the refusals of the log. Without it, none is reported. */
  logWatch?: LogProblems;
  /** The local copy of the registry, for the automatic canaries. Without it, this gateway decides none. */
  functions?: Pick<FunctionDirectory, 'get' | 'subscribe'>;
  /** The quotas of what projects define. */
  definitions: DefinitionLimits;
  /** The quotas of projects, and what is counted for them. Without it, no project has a quota. */
  quotas?: QuotaSource;
};

type QuotaSource = {
  projects: ProjectQuotas;
  /** The newest sequence that the log acknowledged to this gateway. */
  acknowledged: () => number;
  /** The limit of the bytes in the log; `undefined` when it has none. */
  logBytes: () => Promise<number | undefined>;
};

/** The dependencies that all routes share. */
export type Gateway = Omit<GatewayOptions, 'store' | 'history' | 'signatures' | 'origins' | 'compareReplicas' | 'quotas'> & {
  /** `undefined` when the gateway follows no quotas. `client` asks it. */
  quotas: QuotaGuard | undefined;
  records: Records;
  bulkRunner: BulkRunner;
  sessions: Sessions;
  replays: ReplayCache;
  recorder: AuditRecorder;
  /** Unpacks, checks and packs code, which takes memory and processors, in the turn of the caller's project. */
  codeInTurn: <Result>(call: Call, work: () => Promise<Result>) => Promise<Result>;
  attempts: FailedAttempts;
  /** Refuses the pages of other origins. */
  checkOrigin: OriginGuard;
  metrics: Metrics;
  replicaWatch: ReplicaWatch | undefined;
  /** Aborts when the gateway stops. */
  closing: AbortSignal;
};

export type GatewayEnv = {
  /** Node's request and response; absent when a test calls the app without a server. */
  Bindings: Partial<HttpBindings>;
  Variables: {
    requestId: string;
    body: Uint8Array;
    /** The project of the credential; `undefined` if no credentials are configured. */
    project: string | undefined;
    /** The credential of the caller; `undefined` if no credentials are configured. */
    credential: Credential | undefined;
  };
};
export type Call<Path extends string = string> = Context<GatewayEnv, Path>;

/** Refuses a request that breaks a rule from B1 to B4 (`auth/origin.ts`): throws `HttpError` 403, and 415 for B4. */
export type OriginGuard = (call: Call) => void;

/** Records who did what (`audit.ts`). No request waits for it. */
export interface AuditRecorder {
  /** Records a call after its reply is made. */
  record(call: Call): void;
  /** Records what the gateway did without a call. */
  add(entry: AuditEntry): void;
  /** Sends the waiting entries. Resolves to true when NATS stored all of them. */
  flush(): Promise<boolean>;
}

/** Runs the bulk operations of a gateway. */
export interface BulkRunner {
  /** Runs an operation in the background. */
  start(stored: StoredBulk): void;
}
