import type { StreamConfig } from 'nats';
import { subjects } from '#src/core/names/subjects.ts';
import type { Connection } from '#src/nats/transport/connection.ts';
import { findStream } from '#src/nats/transport/ensure-stream.ts';
import type { IsOwn } from '#src/nats/wire/full-entry.ts';
import { admitsRequests, INVOCATIONS, withoutRequests } from '#src/nats/wire/topology.ts';

/**
 * The requests that an earlier version accepted. It published derived requests on the subjects of clients, so their ids and origins are
 * believed up to the sequence at which the log got the subject of derived requests (OWN1). The sequence is metadata of the JetStream stream:
 * every reader decodes a request alike.
 */

const KEY = 'sequent-former-requests';
const derived = subjects.derived('*' as never);
const lastFormer = new WeakMap<Connection, number>();

/**
 * The wanted configuration of a log that may exist:
 *
 * 1. A log that refuses requests continues to refuse them (ADM2).
 * 2. A log of an earlier version gets up to where its requests are believed.
 */
export async function withPresentLog(connection: Connection, wanted: Partial<StreamConfig>): Promise<Partial<StreamConfig>> {
  const existing = await findStream(connection, INVOCATIONS);
  if (existing === undefined) return wanted;
  const { config, state } = existing;
  if (!admitsRequests(config.subjects)) return { ...wanted, subjects: withoutRequests(wanted.subjects ?? []) };
  return isUpgraded(config) ? wanted : { ...wanted, metadata: { ...config.metadata, [KEY]: String(state.last_seq) } };
}

/** Reads up to where the requests are of an earlier version. Without this call none are. */
export async function readFormerRequests(connection: Connection): Promise<void> {
  const config = (await findStream(connection, INVOCATIONS))?.config;
  if (config === undefined) return;
  lastFormer.set(connection, isUpgraded(config) ? Number(config.metadata?.[KEY] ?? 0) : Number.POSITIVE_INFINITY);
}

/** A log that refuses requests has no subject of requests (ADM2). An earlier version never makes a log refuse requests. */
function isUpgraded({ subjects: existing }: StreamConfig): boolean {
  return existing.includes(derived) || !admitsRequests(existing);
}

/** Decides whether only Sequent's own users can have published a request, for every reader of the log on this connection. */
export function ownRequestsOf(connection: Connection): IsOwn {
  return ({ kind }, sequence) => kind === 'derived' || sequence <= (lastFormer.get(connection) ?? 0);
}
