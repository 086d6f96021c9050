import {
  type ConnectionOptions,
  connect,
  createInbox,
  Events,
  type JetStreamClient,
  type JetStreamManager,
  type NatsConnection,
  type ServerInfo,
  type Status,
} from 'nats';
import { messageOf, NatsUnavailableError } from '#src/core/errors.ts';
import { DEFAULT_INBOX_PREFIX, inboxPrefixOf } from '#src/core/names/inboxes.ts';
import { errorCodeOf, isNotPermitted, isTimeout, isUndecided } from '#src/nats/transport/errors.ts';
import { createRefusals, type Refusals } from '#src/nats/transport/refusals.ts';
import { type Rehearsal, rehearse } from '#src/nats/transport/rehearsal.ts';
import { repeatUnanswered } from '#src/nats/transport/repeat-unanswered.ts';
import { answerOnlyInboxes } from './answerable.ts';
import { endWithin } from './end-within.ts';

export type NatsOptions = Omit<ConnectionOptions, 'servers'> & {
  servers: string | string[];
  /** The JetStream domain with the streams of Sequent, for a connection to a leaf node; by default the domain of the server. */
  domain?: string;
  /**
   * The role that the connection is for. Replies arrive on the inboxes of this role, unless `inboxPrefix` is given.
   */
  role?: string;
  /** Notes the changes of this connection instead of making them (DRY1). */
  rehearsal?: Rehearsal | undefined;
};

/** One connection to NATS. It owns the only reader of the client's status events. */
export interface Connection {
  readonly nats: NatsConnection;
  /** JetStream's management API: streams and consumers. */
  readonly manager: JetStreamManager;
  /** JetStream's messages, buckets and object stores. Its `apiPrefix` is the only source of the subjects of JetStream's API. */
  readonly jetstream: JetStreamClient;
  readonly servers: string;
  readonly isConnected: boolean;
  /** Whether calls without an answer are no longer repeated, because this process ends. */
  readonly isEnding: boolean;
  /** Where the changes of this connection are noted instead of made. */
  readonly rehearsal: Rehearsal | undefined;
  /** The operations that the server refused on this connection. */
  readonly refusals: Refusals;
  /**
   * A second connection of the same user for large contents, opened at its first use. On one connection every answer would wait behind their bytes:
   * up to 16 MB of a package stood before the acknowledgement of another project's request.
   */
  forContents(): Promise<Connection>;
  /** Creates a subject for replies that begins with the inbox prefix of this connection. */
  createInbox(): string;
  /** Calls the listener after every reconnection. The returned function removes the listener. */
  onReconnect(listener: () => void): () => void;
  /** Calls the listener when the connection is lost. The returned function removes the listener. */
  onDisconnect(listener: () => void): () => void;
  /** From now on, a call that gets no answer fails after its try in progress. An append then stays unknown, as after an outage (A1). */
  endRetries(): void;
  /** Sends buffered messages, then closes. Stop pulling and settle in-flight publishes first: nothing is received afterwards. */
  close(): Promise<void>;
}

/**
 * Connects to NATS. After the first success, the client reconnects without a limit of attempts.
 *
 * Throws `NatsUnavailableError` when the server does not answer within `timeout` (5 s) or has no JetStream for this user. Throws
 * `NotPermittedError` when the user lacks a permission. With `needsJetStream: false`, the user needs no permission for JetStream's API. With
 * `onUnanswered`, for a process that starts, requests of JetStream's API without an answer are reported and repeated for 30 s.
 */
export async function openConnection(
  options: NatsOptions,
  opening: { needsJetStream?: boolean; onUnanswered?: (problem: string) => void } = {},
): Promise<Connection> {
  const { domain, rehearsal, ...given } = options;
  const { needsJetStream = true, onUnanswered } = opening;
  const servers = [given.servers].flat().join(', ');
  const { nats, inboxPrefix } = await connectWithInbox(given).catch((cause: unknown) => {
    throw new NatsUnavailableError({ servers, why: messageOf(cause) }, { cause });
  });
  const reconnected = new Set<() => void>();
  const disconnected = new Set<() => void>();
  let isConnected = true;
  let isEnding = false;
  const { refusals, note } = createRefusals(nats, { user: () => userOf(given), inboxPrefix, role: given.role });
  void readStatus(nats, (status) => {
    note(status);
    if (status.type !== Events.Reconnect && status.type !== Events.Disconnect) return;
    isConnected = status.type === Events.Reconnect;
    for (const listener of isConnected ? reconnected : disconnected) listener();
  });
  sendRequestsWhenConnected(nats, () => isConnected, reconnected);
  gatherWrites(nats);
  answerOnlyInboxes(nats, inboxPrefix);
  const inDomain = domain === undefined ? {} : { domain };
  const manager = await nats.jetstreamManager({ checkAPI: needsJetStream, ...inDomain }).catch(async (cause: unknown) => {
    const server = nats.info;
    await nats.close();
    throw isNotPermitted(cause)
      ? refusals.explain(cause)
      : new NatsUnavailableError({ servers, ...whyNoJetStream(cause, server, domain) }, { cause });
  });
  const jetstream = nats.jetstream({ ...inDomain });
  if (rehearsal !== undefined) rehearse(nats, { rehearsal, apiPrefix: jetstream.apiPrefix, read: entryReader(jetstream) });
  const contents = openOnce(async () => await openConnection(options, opening));
  if (onUnanswered !== undefined) repeatUnanswered(nats, { apiPrefix: jetstream.apiPrefix, isEnding: () => isEnding, onUnanswered });

  return {
    nats,
    manager,
    jetstream,
    servers,
    refusals,
    rehearsal,
    get isConnected() {
      return isConnected && !nats.isClosed();
    },
    get isEnding() {
      return isEnding;
    },
    forContents: contents.open,
    createInbox: () => createInbox(inboxPrefix),
    onReconnect: (listener) => subscribe(reconnected, listener),
    onDisconnect: (listener) => subscribe(disconnected, listener),
    endRetries() {
      isEnding = true;
      void contents.ifOpened((opened) => opened.endRetries());
    },
    async close() {
      await contents.ifOpened(async (opened) => await opened.close());
      if (nats.isClosed()) return;
      if (isConnected) await endWithin(nats.drain());
      await nats.close();
    },
  };
}

/** A connection that is opened when it is first needed, and anew after a failure. */
function openOnce(open: () => Promise<Connection>) {
  let opened: Promise<Connection> | undefined;
  return {
    async open(): Promise<Connection> {
      opened ??= open();
      return await opened.catch((error: unknown) => {
        opened = undefined;
        throw error;
      });
    },
    async ifOpened(work: (connection: Connection) => unknown): Promise<void> {
      const found = await opened?.catch(() => undefined);
      if (found !== undefined) await work(found);
    },
  };
}

type Connected = { nats: NatsConnection; inboxPrefix: string };

async function connectWithInbox({ role, ...options }: Omit<NatsOptions, 'domain' | 'rehearsal'>): Promise<Connected> {
  const { inboxPrefix = role === undefined ? DEFAULT_INBOX_PREFIX : inboxPrefixOf(role) } = options;
  const nats = await connect({
    maxReconnectAttempts: -1,
    // By default, the client closes after two authentication errors. An authentication service that is down causes such errors too.
    ignoreAuthErrorAbort: true,
    reconnectTimeWait: 250,
    reconnectJitter: 100,
    // The client detects a dead peer within 20 s. The default takes more than 4 minutes.
    pingInterval: 10_000,
    maxPingOut: 2,
    timeout: 5_000,
    // By default, the client captures the stack twice for each request, for the error of a request that gets no answer.
    noAsyncTraces: true,
    ...options,
    inboxPrefix,
  });
  return { nats, inboxPrefix };
}

/** What helps a cluster without a leader, and a user without the permission. */
const QUORUM_REMEDY =
  'start the servers of the cluster that are down (docs/operations.md#lost-quorum); if all run, the permissions of this user: sequent nats-permissions';

function whyNoJetStream(cause: unknown, server: ServerInfo | undefined, domain: string | undefined): { why: string; remedy: string } {
  if (isTimeout(cause) || isUndecided(errorCodeOf(cause))) {
    const why = 'it answers, but JetStream does not: a cluster may have no leader, or the answer may not be permitted';
    return { why, remedy: QUORUM_REMEDY };
  }
  if (domain !== undefined) {
    const why = `it answers, but no server with the JetStream domain "${domain}" is connected to it`;
    return { why, remedy: 'the domain of the hub with --domain, and the connection of the leaf node to the hub' };
  }
  if (server?.jetstream) {
    const why = 'it has JetStream, but not for the account of this user';
    return { why, remedy: '"jetstream: enabled" in the account, in the configuration of the nats-server' };
  }
  const why = 'it answers, but JetStream is off';
  return {
    why,
    remedy: 'start the nats-server with -js, or add "jetstream {}" to its configuration; on a leaf node, --domain names that of the hub',
  };
}

/** Reads an entry of a bucket by its encoded key. */
function entryReader(jetstream: JetStreamClient) {
  return async (bucket: string, key: string): Promise<string | undefined> => {
    const entry = await (await jetstream.views.kv(bucket, { bindOnly: true })).get(key);
    return entry?.operation === 'PUT' ? entry.string() : undefined;
  };
}

async function readStatus(nats: NatsConnection, onStatus: (status: Status) => void): Promise<void> {
  for await (const status of nats.status()) onStatus(status);
}

const DEFAULT_TIMEOUT_IN_MS = 1_000;

/**
 * Lets a request wait for the connection, for as long as it may wait for its answer.
 *
 * The client drops everything that it has buffered when it tries to connect again. A request that was made without a connection would
 * otherwise end by its timeout, also when the server is back at once.
 */
function sendRequestsWhenConnected(nats: NatsConnection, isConnected: () => boolean, reconnected: Set<() => void>): void {
  const send = nats.request.bind(nats);
  nats.request = async (subject, payload, options) => {
    if (isConnected() || nats.isClosed()) return await send(subject, payload, options);
    const { timeout } = options ?? { timeout: DEFAULT_TIMEOUT_IN_MS };
    const startedAt = performance.now();
    await once(reconnected, timeout);
    return await send(subject, payload, { ...options, timeout: Math.max(1, timeout - (performance.now() - startedAt)) });
  };
}

/** Resolves at the next call of the listeners, or after a time. */
function once(listeners: Set<() => void>, withinMs: number): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      listeners.delete(end);
      resolve();
    };
    const timer = setTimeout(end, withinMs);
    listeners.add(end);
  });
}

function subscribe(listeners: Set<() => void>, listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

const HEADERS_RESERVE_IN_BYTES = 4_096;
const DEFAULT_MAX_PAYLOAD_IN_BYTES = 1_048_576;

/** The largest payload that the server accepts in a message with headers, in bytes. */
export function maxPayloadOf({ nats }: Connection): number {
  return (nats.info?.max_payload ?? DEFAULT_MAX_PAYLOAD_IN_BYTES) - HEADERS_RESERVE_IN_BYTES;
}

/** Private members of a nats.js connection: the buffer of outgoing data, and the method that writes the buffer to the socket. */
type Protocol = { outbound: { size(): number }; flushPending(): void };

/** A buffer of this size is written at once. */
const MAX_GATHERED_BYTES = 256 * 1_024;

/**
 * Lets everything that is sent in one turn of the event loop share one write to the socket (docs/performance.md H18). The order stays.
 *
 * nats.js writes after a microtask, so that each step of a chain of promises has a write of its own.
 */
function gatherWrites(nats: NatsConnection): void {
  const { protocol } = nats as unknown as { protocol: Protocol };
  const write = protocol.flushPending.bind(protocol);
  let isWaiting = false;
  protocol.flushPending = () => {
    if (protocol.outbound.size() >= MAX_GATHERED_BYTES) return write();
    if (isWaiting) return;
    isWaiting = true;
    setImmediate(() => {
      isWaiting = false;
      write();
    });
  };
}

/** Describes the user of a connection by the name that the server's configuration has for it. */
function userOf({ user, token, authenticator }: Pick<ConnectionOptions, 'user' | 'token' | 'authenticator'>): string {
  if (user !== undefined) return `user "${user}"`;
  if (token !== undefined) return 'the user of the token';
  const name = [authenticator ?? []].flat().map((authenticate) => nameIn(authenticate('') ?? {}))[0];
  return name === undefined ? 'the default user' : `user "${name}"`;
}

type Authentication = { user?: string; nkey?: string; jwt?: string; auth_token?: string };

function nameIn(authentication: Authentication): string | undefined {
  const { user, nkey, jwt = '' } = authentication;
  return claimedName(jwt) ?? user ?? nkey;
}

/** The name in the claims of a JWT. */
function claimedName(jwt: string): string | undefined {
  try {
    const claims = JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString()) as { name?: string };
    return claims.name;
  } catch {
    return undefined;
  }
}
