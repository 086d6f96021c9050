import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { npmSettings } from '#test/support/cli/passed-on.ts';

/*
 * Runs commands in the tree of a stage of a Dockerfile, in place of a container engine.
 *
 * The tree is the root of a mount namespace, so that absolute paths are those of the image. The programs of the base image are those of this
 * machine: /usr and /etc, which no step can change, and the Node of this test.
 */

export type StageCommand = {
  /** The folder that is the root of the tree. */
  root: string;
  workdir: string;
  env: Readonly<Record<string, string>>;
  args: readonly string[];
  /** Without a user, root builds the tree. With one, the tree is read-only, and the process cannot get privileges. */
  user?: string | undefined;
  /** Folders of this machine, by the path at which the tree shows them. */
  volumes?: Readonly<Record<string, string>>;
};

/** Whether this process may open a mount namespace. */
export const canMount = spawnSync('unshare', ['--mount', 'true'], { stdio: 'ignore' }).status === 0;

const NPM_CACHE = '/npm-cache';
const npmCache = join(homedir(), '.npm');
const nodePrefix = dirname(dirname(process.execPath));
/** The search path of the base image. */
export const basePath = `${nodePrefix}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`;
const buildEnv = { HOME: '/root', npm_config_cache: NPM_CACHE, npm_config_prefer_offline: 'true', ...npmSettings };

/** Arguments: the root, the user, the number of volumes, each volume as two arguments, and the command. */
const enterTree = `set -e
root=$1 user=$2 volumes=$3; shift 3
mount --bind "$root" "$root"
for folder in /usr /etc /dev /proc; do mount --rbind "$folder" "$root$folder"; done
for folder in /usr /etc; do mount -o remount,bind,ro "$root$folder"; done
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
while [ "$volumes" -gt 0 ]; do mount --bind "$1" "$root$2"; shift 2; volumes=$((volumes - 1)); done
[ "$user" != root ] || exec chroot "$root" "$@"
mount -o remount,bind,ro "$root"
exec chroot --userspec="$user" "$root" setpriv --no-new-privs "$@"`;

/** The root of a stage that has the base image only. Every user may enter it. */
export function createTree(root: string): string {
  mkdirSync(root, { recursive: true });
  chmodSync(root, 0o755);
  for (const folder of ['usr', 'etc', 'dev', 'proc', 'tmp', 'root']) mkdirSync(join(root, folder), { recursive: true });
  for (const folder of ['bin', 'sbin', 'lib', 'lib64']) symlinkSync(`usr/${folder}`, join(root, folder));
  return root;
}

/** Starts the command, and does not wait for its end. */
export function startInStage(command: StageCommand): ChildProcess {
  return spawn('unshare', argumentsOf(command), { env: envOf(command), stdio: ['ignore', 'pipe', 'pipe'] });
}

/** Runs the command; resolves to its output. Rejects with its output when it fails. */
export async function runInStage(command: StageCommand): Promise<string> {
  try {
    return (await promisify(execFile)('unshare', argumentsOf(command), { env: envOf(command) })).stdout;
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    throw new Error(`${command.args.join(' ')} failed:\n${stdout}${stderr}`, { cause: error });
  }
}

function argumentsOf({ root, workdir, args, user = 'root', volumes = {} }: StageCommand): string[] {
  const own = nodePrefix === '/usr' ? [] : [nodePrefix];
  const cache = user === 'root' && existsSync(npmCache) ? { [NPM_CACHE]: npmCache } : {};
  const mounts = Object.entries({ ...Object.fromEntries(own.map((folder) => [folder, folder])), ...cache, ...volumes });
  for (const [path] of mounts) mkdirSync(join(root, path), { recursive: true });
  const folders = mounts.flatMap(([path, folder]) => [folder, path]);
  const inFolder = ['sh', '-c', 'cd "$0" && exec "$@"', workdir, ...args];
  return ['--mount', 'sh', '-c', enterTree, 'sh', root, user, String(mounts.length), ...folders, ...inFolder];
}

function envOf({ env, user }: StageCommand): Record<string, string> {
  return { PATH: basePath, ...(user === undefined ? buildEnv : {}), ...env };
}
