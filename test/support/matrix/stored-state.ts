import type { Connection } from '#src/nats/transport/connection/connection.ts';
import { AUDIT, SIGNATURES, STATE_BUCKET } from '#src/nats/wire/topology.ts';

/**
 * Streams that change without any change of a project: positions of roles, signatures of accepted requests, and the audit log, whose counted
 * entries of earlier calls come up to a minute later.
 */
const IGNORED_STREAMS: ReadonlySet<string> = new Set([`KV_${STATE_BUCKET}`, SIGNATURES.name, AUDIT]);
/** Hints may be lost and repeated. */
const HINTS = /^(?:wake|deliver)\./;

/** The stored messages of each subject: their number, and the newest sequence. A message that was added, replaced or deleted changes it. */
export type StoredState = Readonly<Record<string, string>>;

/** What JetStream stores of all projects except the one whose id is `project`. */
export async function storedStateExcept(project: string, { nats }: Connection): Promise<StoredState> {
  const manager = await nats.jetstreamManager();
  const found: Record<string, string> = {};
  for await (const { config } of manager.streams.list()) {
    if (IGNORED_STREAMS.has(config.name)) continue;
    const { state } = await manager.streams.info(config.name, { subjects_filter: '>' });
    for (const [subject, count] of Object.entries(state.subjects ?? {}).sort()) {
      if (subject.includes(project) || HINTS.test(subject)) continue;
      const { seq } = await manager.streams.getMessage(config.name, { last_by_subj: subject });
      found[`${config.name} ${subject}`] = `${count} messages up to ${seq}`;
    }
  }
  return found;
}
