import { createNatsRoleInstances } from '#src/nats/questions/role-instances.ts';
import { restoreChunkBytes, restoreSnapshot } from '#src/nats/streams/log/snapshots.ts';
import type { Connection } from '#src/nats/transport/connection/connection.ts';
import type { Rehearsal } from '#src/nats/transport/rehearsal.ts';
import { findStream } from '#src/nats/transport/streams/ensure-stream.ts';
import { CommandError, exitCodes } from '../problem.ts';
import { readSnapshot, type SavedStream } from './backup-files.ts';

export type RestoreOptions = {
  folder: string;
  /** The number of replicas of each stream; by default that of the backup. */
  replicas: number | undefined;
  onProgress: (stream: string, bytes: number) => void;
};

/**
 * Creates the streams of a backup on a server that has none of them. A stream that exists is never changed. When one stream fails, those
 * that were created before are deleted again.
 *
 * Throws `SnapshotFailedError` and `CommandError`.
 */
export async function restoreBackup(connection: Connection, saved: readonly SavedStream[], options: RestoreOptions): Promise<void> {
  const { folder, replicas, onProgress } = options;
  await refuseRunningRoles(connection);
  await refuseExistingStreams(connection, saved);
  if (connection.rehearsal !== undefined) return noteStreams(connection.rehearsal, saved);
  const restored: string[] = [];
  try {
    for (const { snapshot } of saved) {
      const { name } = snapshot.config;
      const config = replicas === undefined ? snapshot.config : { ...snapshot.config, num_replicas: replicas };
      await restoreSnapshot(connection, { ...snapshot, config }, counted(name));
      restored.push(name);
    }
  } catch (error) {
    for (const name of restored) await connection.manager.streams.delete(name).catch(() => {});
    throw error;
  }

  async function* counted(name: string): AsyncGenerator<Uint8Array> {
    let bytes = 0;
    onProgress(name, bytes);
    for await (const chunk of readSnapshot(folder, name, restoreChunkBytes(connection))) {
      yield chunk;
      bytes += chunk.length;
      onProgress(name, bytes);
    }
  }
}

/** Notes the streams that a restore would create. */
export function noteStreams(rehearsal: Rehearsal, saved: readonly SavedStream[]): void {
  for (const { snapshot } of saved)
    rehearsal.record({ kind: 'message', subject: `STREAM.RESTORE.${snapshot.config.name}`, data: Buffer.alloc(0) });
}

/** A role creates a missing stream within 5 s (STRM1), and would work on a log that is incomplete. */
async function refuseRunningRoles(connection: Connection): Promise<void> {
  const running = await createNatsRoleInstances(connection).list();
  if (running.length === 0) return;
  const named = running.map(({ roles, host, pid }) => `${roles.join(', ')} on ${host} (process ${pid})`);
  throw notRestored(`roles of Sequent run: ${named.join('; ')}`, 'stop every role, then the same command again');
}

async function refuseExistingStreams(connection: Connection, saved: readonly SavedStream[]): Promise<void> {
  const names = saved.map(({ snapshot }) => snapshot.config.name);
  const existing = await Promise.all(names.map(async (name) => ((await findStream(connection, name)) === undefined ? [] : [name])));
  if (existing.flat().length === 0) return;
  const remedy =
    'a server without these streams, or an empty data folder with --start-server; nats stream rm <name> deletes a stream for good';
  throw notRestored(`${connection.servers} has ${existing.flat().join(', ')}`, remedy);
}

function notRestored(why: string, remedy: string): CommandError {
  return new CommandError({ code: 'NOT_RESTORED', exitCode: exitCodes.conflict, what: 'nothing was restored', why, remedy });
}
