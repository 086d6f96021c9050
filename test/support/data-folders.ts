import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/*
 * The data folders of processes that a test starts without naming one. The processes of one server share a folder, so that one that is
 * started again finds its read model and its watermarks. A folder holds watermarks of one log, so no two servers share one.
 */
const folderOf = new Map<string, string>();

/** The folder of the processes on this server, if the server has one. */
export function dataFolderOf(url: string | undefined): string | undefined {
  return url === undefined ? undefined : folderOf.get(url);
}

/** Opens the folder of the processes on a server. Returns its removal. */
export async function openDataFolder(url: string): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'sequent-roles-'));
  folderOf.set(url, folder);
  return async () => {
    folderOf.delete(url);
    await removeDataFolder(folder);
  };
}

/** A process of a role ends a moment after its parent, and may write until then. */
export async function removeDataFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true, maxRetries: 10 });
}
