import { execFile } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { messageOf } from '#src/core/errors.ts';
import { downloadUrl, installInto, installRelease, type Release, releaseFor } from './archive.ts';
import { ServerNotFoundError } from './errors.ts';
import { cachedServer, type Environment, type FindOptions, findServer, isNewEnough, PINNED_VERSION, type ServerBinary } from './find.ts';

const run = promisify(execFile);

/** The image of the compose files. Its digest says which content counts, whatever the tag names later. */
export const IMAGE = `nats:${PINNED_VERSION}-alpine@sha256:b270f5e2428354c0335612694d7dd2fb588148e567a5757fdff325ef9c9332e6`;
const STEP_LIMIT_IN_MS = 180_000;

export type FetchOptions = FindOptions & {
  platform?: string;
  arch?: string;
  isRoot?: boolean;
  /** The release to download; by default the pinned one of this platform. */
  release?: Release | undefined;
  say?: (line: string) => void;
};

type Machine = { env: Environment; platform: string; isRoot: boolean; release: Release | undefined };
type Method = {
  isAvailable(machine: Machine): Promise<boolean> | boolean;
  describe(machine: Machine): string;
  install(machine: Machine): Promise<void>;
};

/** Finds a nats-server, or fetches one. Throws like {@link findServer} and {@link fetchServer}. */
export async function ensureServer(options: FetchOptions = {}): Promise<ServerBinary> {
  return (await findServer(options)) ?? (await fetchServer(options));
}

/**
 * Fetches a nats-server by the first available method: apt-get (as root), Homebrew, Docker, the pinned release.
 *
 * Prints one line per method before it acts. Throws `ServerNotFoundError` with the commands for this platform when all fail.
 */
export async function fetchServer(options: FetchOptions = {}): Promise<ServerBinary> {
  const { env = process.env, platform = process.platform, arch = process.arch, say = sayOnStderr } = options;
  const { isRoot = process.getuid?.() === 0, release = releaseFor(platform, arch) } = options;
  const machine: Machine = { env, platform, isRoot, release };
  const tried: string[] = [];
  for (const method of [apt, homebrew, docker, archive]) {
    if (!(await method.isAvailable(machine))) continue;
    say(`no nats-server was found: ${method.describe(machine)}`);
    try {
      await method.install(machine);
      const found = await findServer(options);
      if (found !== undefined) return found;
      tried.push(`${method.describe(machine)}: no usable nats-server was installed`);
    } catch (error) {
      tried.push(`${method.describe(machine)}: ${firstLines(messageOf(error))}`);
    }
  }
  throw new ServerNotFoundError({ tried, commands: commandsFor(platform) });
}

const apt: Method = {
  isAvailable: ({ env, platform, isRoot }) => platform === 'linux' && isRoot && isOnPath('apt-get', env),
  describe: () => 'running "apt-get install -y nats-server" (its system service has no JetStream, and Sequent does not use that service)',
  async install({ env }) {
    const step = { timeout: STEP_LIMIT_IN_MS, env: { ...env, DEBIAN_FRONTEND: 'noninteractive' } };
    // One broken package source fails the update. The candidate below shows whether the update was needed.
    await run('apt-get', ['update'], step).catch(() => undefined);
    const { stdout } = await run('apt-cache', ['policy', 'nats-server'], step);
    const candidate = /Candidate: (?:\d+:)?(\S+)/.exec(stdout)?.[1] ?? '(none)';
    if (!isNewEnough(candidate)) throw new Error(`the available version is ${candidate}`);
    await run('apt-get', ['install', '-y', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=60', 'nats-server'], step);
  },
};

const homebrew: Method = {
  isAvailable: ({ env, platform }) => platform === 'darwin' && isOnPath('brew', env),
  describe: () => 'running "brew install nats-server"',
  async install({ env }) {
    await run('brew', ['install', 'nats-server'], { timeout: STEP_LIMIT_IN_MS, env: { ...env } });
  },
};

/** The image holds a static Linux binary, which Sequent copies and runs like any other server. */
const docker: Method = {
  isAvailable: ({ env, platform }) => platform === 'linux' && isOnPath('docker', env),
  describe: ({ env }) => `copying it from the Docker image ${IMAGE} to ${cachedServer(env)}`,
  async install({ env }) {
    const step = { timeout: STEP_LIMIT_IN_MS, env: { ...env } };
    const { stdout } = await run('docker', ['create', IMAGE], step);
    const container = stdout.trim();
    try {
      await installInto(cachedServer(env), async (folder) => {
        await run('docker', ['cp', `${container}:/usr/local/bin/nats-server`, join(folder, 'nats-server')], step);
        return join(folder, 'nats-server');
      });
    } finally {
      await run('docker', ['rm', container], step);
    }
  },
};

const archive: Method = {
  isAvailable: ({ release }) => release !== undefined,
  describe: ({ env, release }) => `downloading ${release === undefined ? '' : archiveUrl(release, env)} to ${cachedServer(env)}`,
  async install({ env, release }) {
    if (release !== undefined) await installRelease(release, { url: archiveUrl(release, env), target: cachedServer(env) });
  },
};

function archiveUrl(release: Release, env: Environment): string {
  return downloadUrl(release, env.SEQUENT_NATS_DOWNLOAD_URL || undefined);
}

function commandsFor(platform: string): string[] {
  const install: Record<string, string> = {
    linux: 'sudo apt-get install -y nats-server          (Debian 13, Ubuntu 24.04, or newer)',
    darwin: 'brew install nats-server',
    win32: 'scoop install nats-server',
  };
  return [
    ...(install[platform] === undefined ? [] : [install[platform]]),
    `docker run -d -p 127.0.0.1:4222:4222 ${IMAGE} -js     then set NATS_URL=nats://127.0.0.1:4222`,
    'set NATS_SERVER_BIN to an installed nats-server, or NATS_URL to a running NATS with JetStream',
  ];
}

async function isOnPath(command: string, env: Environment): Promise<boolean> {
  for (const folder of (env.PATH ?? '').split(delimiter)) {
    const isExecutable = await access(join(folder, command), constants.X_OK).then(
      () => true,
      () => false,
    );
    if (isExecutable) return true;
  }
  return false;
}

function firstLines(text: string): string {
  return text.trim().split('\n').slice(0, 3).join('; ');
}

function sayOnStderr(line: string): void {
  process.stderr.write(`sequent: ${line}\n`);
}
