import type { HttpBindings } from '@hono/node-server';
import type { Context } from 'hono';
import type { SequentClient } from '#src/client/client.ts';
import type { Tenancy } from '#src/core/names/tenancy.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import type { KeyValue } from '#src/core/ports/key-value.ts';
import type { Logger } from '#src/core/ports/logger.ts';
import type { SignatureLog } from '#src/core/ports/signature-log.ts';
import type { Credential } from './auth/credentials.ts';
import type { FailedAttempts } from './auth/failed-attempts.ts';
import type { ReplayCache } from './auth/replay-cache.ts';
import type { Sessions } from './auth/sessions.ts';
import type { LogCount } from './operations/log-count.ts';
import type { Metrics } from './operations/metrics.ts';
import type { Records } from './records.ts';

/** What the gateway needs of the client library. */
export type GatewayClient = Pick<
  SequentClient,
  | 'functions'
  | 'packages'
  | 'invokeText'
  | 'invokeOnce'
  | 'invokeMany'
  | 'result'
  | 'timeline'
  | 'follow'
  | 'lastSequence'
  | 'repair'
  | 'history'
  | 'cancel'
  | 'system'
  | 'sequenceAt'
>;

export type GatewayLimits = {
  /** The most requests that are worked on at a moment. */
  requestsInFlight: number;
  /** The most requests that wait for something to happen: synchronous calls, long polls, event streams. */
  waiting: number;
  /** How long a synchronous call waits for its result. */
  syncInMs: number;
};

export type GatewayOptions = {
  client: GatewayClient;
  /** Whether NATS is connected now. */
  isConnected: () => boolean;
  tenancy: Tenancy;
  /** What the vendor's API knows of a function and its definition does not. */
  store: KeyValue;
  /** None: whoever reaches the gateway may call. */
  credentials: readonly Credential[];
  /** Further origins of this gateway: the names by which reverse proxies serve it. */
  origins?: readonly string[];
  limits: GatewayLimits;
  clock: Clock;
  logger: Logger;
  /** What the log tells in numbers. */
  logCount: LogCount;
  signatures: SignatureLog;
};

/** What the routes share. */
export type Gateway = Omit<GatewayOptions, 'store' | 'logCount' | 'signatures' | 'origins'> & {
  records: Records;
  sessions: Sessions;
  replays: ReplayCache;
  attempts: FailedAttempts;
  /** Refuses the pages of other origins. */
  checkOrigin: OriginGuard;
  metrics: Metrics;
  /** Aborts when the gateway stops. */
  closing: AbortSignal;
};

export type GatewayEnv = {
  /** Node's own request and response below those of the web; none when a test asks the app itself. */
  Bindings: Partial<HttpBindings>;
  Variables: {
    requestId: string;
    body: Uint8Array;
    /** The project of the credential; none when there are no credentials. */
    project: string | undefined;
  };
};
export type Call<Path extends string = string> = Context<GatewayEnv, Path>;

/** Refuses what breaks a rule from B1 to B4 (`auth/origin.ts`): throws `HttpError` 403, and 415 for B4. */
export type OriginGuard = (call: Call) => void;
