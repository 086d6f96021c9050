import { nanos, type StreamConfig, type StreamInfo } from 'nats';
import type { Connection } from './connection.ts';

/** Creates the stream, or brings what may change of an existing one up to date. */
export async function ensureStream(connection: Connection, wanted: Partial<StreamConfig>): Promise<void> {
  const manager = await connection.nats.jetstreamManager({ checkAPI: false });
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
export async function findStream({ nats }: Connection, name: string): Promise<StreamInfo | undefined> {
  const manager = await nats.jetstreamManager({ checkAPI: false });
  try {
    return await manager.streams.info(name);
  } catch (error) {
    if ((error as { api_error?: { err_code?: number } }).api_error?.err_code === STREAM_NOT_FOUND) return undefined;
    throw error;
  }
}

const STREAM_NOT_FOUND = 10059;
