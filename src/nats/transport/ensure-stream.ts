import { nanos, type StreamConfig, type StreamInfo } from 'nats';
import type { Connection } from './connection.ts';
import { errorCodeOf, isStreamNotFound } from './errors.ts';

/** Creates the stream, or updates the subjects and the maximum age of an existing stream. */
export async function ensureStream(connection: Connection, wanted: Partial<StreamConfig>): Promise<void> {
  const { manager } = connection;
  const name = wanted.name ?? '';
  const existing = await findStream(connection, name);
  if (existing === undefined) {
    await manager.streams.add(wanted);
    return;
  }
  const { subjects = [], max_age = nanos(0) } = wanted;
  const isCurrent = existing.config.max_age === max_age && subjects.every((subject) => existing.config.subjects.includes(subject));
  if (!isCurrent) await manager.streams.update(name, { subjects, max_age });
}

/** Returns the state and configuration of a stream, or `undefined` when the stream does not exist. */
export async function findStream({ manager }: Connection, name: string): Promise<StreamInfo | undefined> {
  try {
    return await manager.streams.info(name);
  } catch (error) {
    if (isStreamNotFound(errorCodeOf(error))) return undefined;
    throw error;
  }
}
