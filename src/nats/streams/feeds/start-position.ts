import type { Connection } from '#src/nats/transport/connection/connection.ts';
import { readNextBySubject } from '#src/nats/wire/stored-messages.ts';
import { INVOCATIONS } from '#src/nats/wire/topology.ts';

/** Where a reader of the log starts: after the newest message, at a sequence, or at a time. */
export type StartPosition = 'now' | number | Date;

/** Returns the sequence of a start position. */
export async function sequenceOf(connection: Connection, from: StartPosition): Promise<number> {
  if (typeof from === 'number') return Math.max(1, from);
  if (from === 'now') return (await connection.manager.streams.info(INVOCATIONS)).state.last_seq + 1;
  return await sequenceAt(connection, from.getTime());
}

/** Returns the first sequence at or after a time, by binary search: the messages of the log are in the order of their times. */
export async function sequenceAt(connection: Connection, at: number): Promise<number> {
  const { first_seq: first, last_seq: last } = (await connection.manager.streams.info(INVOCATIONS)).state;
  let low = Math.max(1, first);
  let high = last + 1;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const message = await readNextBySubject(connection, { from: middle, subject: '>' });
    if (message === undefined || message.sequence >= high) high = middle;
    else if (message.at < at) low = message.sequence + 1;
    else high = middle;
  }
  return low;
}
