import type { StreamConfig } from 'nats';
import { subjects } from '#src/core/names/subjects.ts';
import type { Connection } from '#src/nats/transport/connection.ts';
import { findStream } from '#src/nats/transport/ensure-stream.ts';
import { admitsRequests, INVOCATIONS, type SubjectParts } from '#src/nats/wire/topology.ts';

/**
 * The requests that an earlier version accepted. It published derived requests on the subjects of clients, so their ids and origins are
 * believed up to the sequence at which the log got the subject of derived requests (OWN1). The sequence is metadata of the JetStream stream:
 * every reader decodes a request alike.
 */

const KEY = 'sequent-former-requests';
const derived = subjects.derived('*' as never);
const lastFormer = new WeakMap<Connection, number>();

/** Adds to a wanted configuration of the log up to where its requests are of an earlier version. */
export async function withFormerRequests(connection: Connection, wanted: Partial<StreamConfig>): Promise<Partial<StreamConfig>> {
  const existing = await findStream(connection, INVOCATIONS);
  if (existing === undefined || isUpgraded(existing.config)) return wanted;
  return { ...wanted, metadata: { ...existing.config.metadata, [KEY]: String(existing.state.last_seq) } };
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

/** Whether only Sequent's own users can have published a request. */
export function isOwnRequest(connection: Connection, { kind }: SubjectParts, sequence: number): boolean {
  return kind === 'derived' || sequence <= (lastFormer.get(connection) ?? 0);
}
