import { setTimeout as delay } from 'node:timers/promises';
import { withIdentity } from '#src/nats/streams/log/log-state.ts';
import { canBeSnapshot, type SnapshotOf, takeSnapshot } from '#src/nats/streams/log/snapshots.ts';
import type { Connection } from '#src/nats/transport/connection/connection.ts';
import { findStream } from '#src/nats/transport/streams/ensure-stream.ts';
import {
  AUDIT,
  CODE_STREAM,
  DIS_RECORDS,
  FLOW_BUCKET,
  FUNCTIONS_BUCKET,
  GATEWAY_BUCKET,
  INVOCATIONS,
  PAYLOADS_STREAM,
  RESULTS,
  SIGNATURES,
  STATE_BUCKET,
} from '#src/nats/wire/topology.ts';
import { CommandError, exitCodes } from '../problem.ts';
import { createSnapshotFile, type SavedStream, writeDescription } from './backup-files.ts';

/*
 * A backup while everything runs. Each snapshot is of its own moment, so their order makes them fit together:
 *
 * 1. The functions come before the code, so that the code of each function is in the backup.
 * 2. The functions come before the state, which has the keys of their secrets.
 * 3. The state comes before the log, because it holds positions in the log, which must not lie behind the end of the log.
 * 4. The ledger of slots comes before the log, so that the log shows whether the attempts of the ledger are over (SLOT3).
 * 5. The log comes before the results, because a work item is acknowledged after its result was stored (EXEC4).
 * 6. The log comes before the large payloads, because each of them is stored before the message that refers to it (BIG1).
 * 7. When a function was changed before the snapshot of the log ended, all snapshots are taken again: the log may name a function that the
 *    backup lacks.
 */

const FUNCTIONS = `KV_${FUNCTIONS_BUCKET}`;
/** Every stream of Sequent, in the order of the snapshots. */
export const backupOrder: readonly string[] = [
  FUNCTIONS,
  CODE_STREAM,
  `KV_${STATE_BUCKET}`,
  `KV_${FLOW_BUCKET}`,
  INVOCATIONS,
  PAYLOADS_STREAM,
  RESULTS,
  `KV_${GATEWAY_BUCKET}`,
  AUDIT,
  SIGNATURES.name,
  DIS_RECORDS,
];

const MAX_PASSES = 5;
const PAUSE_IN_MS = 1_000;

export type BackupOptions = {
  folder: string;
  /** The version of Sequent. */
  version: string;
  /** Called for each stream, and with the compressed bytes so far. */
  onProgress: (stream: string, bytes: number) => void;
};

/** The streams of the backup, and the streams in memory, which the server cannot save. */
export type Backup = { saved: SavedStream[]; inMemory: string[] };

/** Writes a snapshot of each stream of Sequent to an empty folder. Throws `SnapshotFailedError` and `CommandError`. */
export async function takeBackup(connection: Connection, options: BackupOptions): Promise<Backup> {
  const at = new Date().toISOString();
  const existing = await Promise.all(backupOrder.map((name) => findStream(connection, name)));
  const present = existing.filter((stream) => stream !== undefined);
  const log = present.find(({ config }) => config.name === INVOCATIONS);
  if (log === undefined) throw nothingToSave(connection);
  const streams = present.filter(canBeSnapshot).map(({ config }) => config.name);
  const taken = await takeUnchanged(connection, streams, options);
  for (const { snapshot } of taken) if (snapshot.config.name === INVOCATIONS) snapshot.config = withIdentity(snapshot.config, log);
  const server = connection.nats.info?.version ?? 'unknown';
  const saved = taken.map(({ snapshot, ...file }) => ({ snapshot, checks: { version: options.version, server, at, streams, ...file } }));
  for (const one of saved) writeDescription(options.folder, one);
  return { saved, inMemory: present.map(({ config }) => config.name).filter((name) => !streams.includes(name)) };
}

type TakenSnapshot = { snapshot: SnapshotOf; bytes: number; sha256: string };

async function takeUnchanged(connection: Connection, streams: readonly string[], options: BackupOptions): Promise<TakenSnapshot[]> {
  for (let pass = 1; pass <= MAX_PASSES; pass++) {
    const taken: TakenSnapshot[] = [];
    for (const stream of streams) taken.push(await takeOne(connection, stream, options));
    const functions = taken.find(({ snapshot }) => snapshot.config.name === FUNCTIONS);
    const now = await findStream(connection, FUNCTIONS);
    if (now?.state.last_seq === functions?.snapshot.state.last_seq) return taken;
    await delay(PAUSE_IN_MS);
  }
  throw new CommandError({
    code: 'BACKUP_OUTRUN',
    exitCode: exitCodes.conflict,
    what: 'the backup has no end',
    why: `functions were changed during each of ${MAX_PASSES} passes`,
    remedy: 'the same command while nobody puts functions',
  });
}

async function takeOne(connection: Connection, stream: string, { folder, onProgress }: BackupOptions): Promise<TakenSnapshot> {
  const file = createSnapshotFile(folder, stream);
  let bytes = 0;
  onProgress(stream, bytes);
  const snapshot = await takeSnapshot(connection, stream, (chunk) => {
    file.write(chunk);
    bytes += chunk.length;
    onProgress(stream, bytes);
  });
  return { snapshot, ...file.close() };
}

function nothingToSave({ servers }: Connection): CommandError {
  const facts = { code: 'NO_LOG', exitCode: exitCodes.notFound, what: 'there is nothing to back up' };
  return new CommandError({ ...facts, why: `${servers} has no stream ${INVOCATIONS}`, remedy: '--server or --data of a running Sequent' });
}
