import { type ConnectionOptions, connect, Events, type JetStreamManager, type NatsConnection, type ServerInfo, type Status } from 'nats';
import { messageOf, NatsUnavailableError } from '#src/core/errors.ts';
import { isNotPermitted, isTimeout } from './errors.ts';
import { userOf } from './nats-user.ts';
import { createRefusals, type Refusals } from './refusals.ts';

export type NatsOptions = Omit<ConnectionOptions, 'servers'> & { servers: string | string[] };

/** One connection to NATS, with the one reader of its status. */
export interface Connection {
  readonly nats: NatsConnection;
  /** JetStream's management API: streams and consumers. */
  readonly manager: JetStreamManager;
  readonly servers: string;
  readonly isConnected: boolean;
  /** What the server does not permit on this connection. */
  readonly refusals: Refusals;
  /** Calls back after every reconnection; returns what ends that. */
  onReconnect(listener: () => void): () => void;
  /** Calls back when the connection is lost; returns what ends that. */
  onDisconnect(listener: () => void): () => void;
  /** Sends what is buffered, then closes. Stop pulling and settle first: nothing is received after this. */
  close(): Promise<void>;
}

/**
 * Connects, and stays connected: it tries again for ever once the first connection stood.
 *
 * Throws `NatsUnavailableError` when the server does not answer within `timeout` (5 s), or has no JetStream
 * for this user, and `NotPermittedError`. A connection that does not need JetStream needs no permission for its API.
 */
export async function openConnection(options: NatsOptions, { needsJetStream = true } = {}): Promise<Connection> {
  const servers = [options.servers].flat().join(', ');
  const nats = await connect({
    maxReconnectAttempts: -1,
    // The client would close for ever at the second refusal, which may be that of an authentication service that is away.
    ignoreAuthErrorAbort: true,
    reconnectTimeWait: 250,
    reconnectJitter: 100,
    // A dead peer is noticed within 20 s; the default takes more than 4 minutes.
    pingInterval: 10_000,
    maxPingOut: 2,
    timeout: 5_000,
    ...options,
  }).catch((cause: unknown) => {
    throw new NatsUnavailableError({ servers, why: messageOf(cause) }, { cause });
  });
  const reconnected = new Set<() => void>();
  const disconnected = new Set<() => void>();
  let isConnected = true;
  const { refusals, note } = createRefusals(nats, { user: () => userOf(options), inboxPrefix: options.inboxPrefix ?? '_INBOX' });
  void readStatus(nats, (status) => {
    note(status);
    if (status.type !== Events.Reconnect && status.type !== Events.Disconnect) return;
    isConnected = status.type === Events.Reconnect;
    for (const listener of isConnected ? reconnected : disconnected) listener();
  });
  const manager = await nats.jetstreamManager({ checkAPI: needsJetStream }).catch(async (cause: unknown) => {
    const server = nats.info;
    await nats.close();
    throw isNotPermitted(cause)
      ? refusals.explain(cause)
      : new NatsUnavailableError({ servers, why: whyNoJetStream(cause, server) }, { cause });
  });

  return {
    nats,
    manager,
    servers,
    refusals,
    get isConnected() {
      return isConnected && !nats.isClosed();
    },
    onReconnect: (listener) => subscribe(reconnected, listener),
    onDisconnect: (listener) => subscribe(disconnected, listener),
    async close() {
      if (nats.isClosed()) return;
      if (isConnected) await nats.drain().catch(() => nats.close());
      else await nats.close();
    },
  };
}

function whyNoJetStream(cause: unknown, server: ServerInfo | undefined): string {
  if (isTimeout(cause)) return 'it answers, but JetStream does not: a cluster may have no leader, or the answer may not be permitted';
  if (server?.jetstream) return 'it has JetStream, but not for the account of this user (add "jetstream: enabled" to the account)';
  return 'it answers, but JetStream is off (start it with -js, or add "jetstream {}"; of a leaf node, name a server of the hub)';
}

async function readStatus(nats: NatsConnection, onStatus: (status: Status) => void): Promise<void> {
  for await (const status of nats.status()) onStatus(status);
}

function subscribe(listeners: Set<() => void>, listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
