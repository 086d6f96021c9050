import { existsSync, readdirSync, readlinkSync, realpathSync, renameSync } from 'node:fs';
import { join, sep } from 'node:path';
import { GLOBAL_ACCOUNT, SEQUENT_ACCOUNT } from '#src/nats/permissions/accounts.ts';

/**
 * Moves all streams of the global account to the account of Sequent, in the store of one server that is stopped. Returns the function that
 * moves them back. The server finds the streams at its next start with a configuration that has the account.
 *
 * `store`: the folder that nats-server gets by `-sd`. Throws, and moves nothing, when it holds no stream of the global account, when the account
 * of Sequent has streams already, or when a process has a file of the store open.
 */
export function moveStreamsToAccount(store: string): () => void {
  const [from, to] = [GLOBAL_ACCOUNT, SEQUENT_ACCOUNT].map((account) => join(store, 'jetstream', account)) as [string, string];
  if (!existsSync(join(from, 'streams'))) throw new Error(`${from} holds no streams: name the folder that nats-server gets by -sd`);
  if (existsSync(to)) throw new Error(`${to} exists already, so the account has streams: nothing is moved over them`);
  const user = processWithFileIn(realpathSync(store));
  if (user !== undefined) throw new Error(`process ${user} has files of ${store} open: stop the server first`);
  renameSync(from, to);
  return () => renameSync(to, from);
}

/** A process that has a file below the folder open, as far as this user may see that. Linux alone tells it. */
function processWithFileIn(folder: string): string | undefined {
  const processes = entriesOf('/proc').filter((name) => /^\d+$/.test(name));
  return processes.find((pid) =>
    entriesOf(`/proc/${pid}/fd`).some((fd) => targetOf(`/proc/${pid}/fd/${fd}`).startsWith(`${folder}${sep}`)),
  );
}

/** Empty for a folder of another user, and for a process that has ended. */
function entriesOf(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function targetOf(link: string): string {
  try {
    return readlinkSync(link);
  } catch {
    return '';
  }
}
