import type { FullLogEntry } from '#src/core/log/event-log.ts';
import type { FunctionName } from '#src/core/names/names.ts';
import { subjects } from '#src/core/names/subjects.ts';
import type { Connection } from '#src/nats/transport/connection/connection.ts';
import { fullEntryOf } from '#src/nats/wire/full-entry.ts';
import { INVOCATIONS } from '#src/nats/wire/topology.ts';
import { countStored, readStored } from './read-stored.ts';

/** The appends of one function from a sequence of the log on. */
export type AppendsOf = { name: FunctionName; from: number };

const optionsOf = ({ name, from }: AppendsOf) => ({ from, subject: subjects.invocation({ function: name, stream: '*' as never }) });

/** Reads the appends that the log holds now, in their order. */
export async function* readAppends(connection: Connection, wanted: AppendsOf): AsyncGenerator<FullLogEntry> {
  for await (const { subject, data, headers, seq: sequence, info } of readStored(connection, INVOCATIONS, optionsOf(wanted)))
    yield fullEntryOf({ subject, data, headers, sequence, at: Math.floor(info.timestampNanos / 1e6) });
}

export function countAppends(connection: Connection, wanted: AppendsOf): Promise<number> {
  return countStored(connection, INVOCATIONS, optionsOf(wanted));
}
