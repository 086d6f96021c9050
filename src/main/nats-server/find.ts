import { execFile } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, isAbsolute, join } from 'node:path';
import { promisify } from 'node:util';
import { InvalidInputError, messageOf } from '#src/core/errors.ts';

const run = promisify(execFile);

/** The oldest version that Sequent runs on. */
const OLDEST_VERSION = '2.10.0';
/** The version that Sequent fetches when no package manager has one. */
export const PINNED_VERSION = '2.12.15';

export type ServerBinary = { readonly bin: string; readonly version: string };
export type Environment = Readonly<Record<string, string | undefined>>;
export type FindOptions = { env?: Environment; systemFolders?: readonly string[] };

const fileName = process.platform === 'win32' ? 'nats-server.exe' : 'nats-server';
/** Debian's folder for daemons is not on the PATH of users, and Homebrew's is not on the PATH of applications. */
const defaultFolders = ['/usr/sbin', '/opt/homebrew/bin', '/usr/local/bin'];

/**
 * The first nats-server that is new enough: `NATS_SERVER_BIN`, `PATH`, the system's folders, Sequent's own cache.
 *
 * Throws `InvalidInputError` when `NATS_SERVER_BIN` names an unusable file. Another server is then not searched.
 */
export async function findServer({
  env = process.env,
  systemFolders = defaultFolders,
}: FindOptions = {}): Promise<ServerBinary | undefined> {
  const named = env.NATS_SERVER_BIN;
  if (named !== undefined && named !== '') return await namedServer(named);
  const folders = [...(env.PATH ?? '').split(delimiter).filter(isAbsolute), ...systemFolders];
  for (const bin of [...folders.map((folder) => join(folder, fileName)), cachedServer(env)]) {
    const version = await usableVersion(bin);
    if (version !== undefined) return { bin, version };
  }
  return undefined;
}

/** The path of a fetched nats-server. */
export function cachedServer(env: Environment): string {
  const base = env.XDG_CACHE_HOME;
  const folder = base !== undefined && isAbsolute(base) ? base : join(env.HOME ?? homedir(), '.cache');
  return join(folder, 'sequent', `nats-server-${PINNED_VERSION}`);
}

/** Whether a version (as in `2.10.27` or `2.12.0-RC.1`) is new enough. */
export function isNewEnough(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number.parseFloat);
  const [oldestMajor = 0, oldestMinor = 0] = OLDEST_VERSION.split('.').map(Number);
  return major > oldestMajor || (major === oldestMajor && minor >= oldestMinor);
}

async function namedServer(bin: string): Promise<ServerBinary> {
  try {
    const version = await serverVersionOf(bin);
    if (isNewEnough(version)) return { bin, version };
    throw new Error(`its version is ${version}, and Sequent needs ${OLDEST_VERSION}`);
  } catch (cause) {
    throw new InvalidInputError(
      { field: 'NATS_SERVER_BIN', problem: `names "${bin}", which cannot be used: ${messageOf(cause)}` },
      { cause },
    );
  }
}

async function usableVersion(bin: string): Promise<string | undefined> {
  try {
    await access(bin, constants.X_OK);
    const version = await serverVersionOf(bin);
    return isNewEnough(version) ? version : undefined;
  } catch {
    // The file does not exist, cannot be run, or is no nats-server. The search goes on in the next folder.
    return undefined;
  }
}

async function serverVersionOf(bin: string): Promise<string> {
  const { stdout } = await run(bin, ['--version'], { timeout: 10_000 });
  const version = /^nats-server: v(\d+\.\d+\.\S+)/.exec(stdout)?.[1];
  if (version === undefined) throw new Error(`"${bin} --version" printed ${JSON.stringify(stdout.slice(0, 80))}`);
  return version;
}
