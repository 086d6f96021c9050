import { nanos, type StreamConfig, type StreamInfo } from 'nats';
import type { Connection } from './connection.ts';
import { errorCodeOf, isStreamNotFound } from './errors.ts';

/** Creates the stream, or brings what may change of an existing one up to date. */
export async function ensureStream(connection: Connection, wanted: Partial<StreamConfig>): Promise<void> {
  const { manager } = connection;
  const name = wanted.name ?? '';
  const present = await findStream(connection, name);
  if (present === undefined) {
    await manager.streams.add(wanted);
    return;
  }
  const { subjects = [], max_age = nanos(0) } = wanted;
  const isCurrent = present.config.max_age === max_age && subjects.every((subject) => present.config.subjects.includes(subject));
  if (!isCurrent) await manager.streams.update(name, { subjects, max_age });
}

/** A stream as it is; `undefined` when there is none. */
export async function findStream({ manager }: Connection, name: string): Promise<StreamInfo | undefined> {
  try {
    return await manager.streams.info(name);
  } catch (error) {
    if (isStreamNotFound(errorCodeOf(error))) return undefined;
    throw error;
  }
}
