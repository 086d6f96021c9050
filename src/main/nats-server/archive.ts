import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { messageOf } from '#src/core/errors.ts';
import { PINNED_VERSION } from './find.ts';

const run = promisify(execFile);

/** A release archive of nats-server and the SHA-256 that its bytes must have. */
export type Release = { readonly name: string; readonly sha256: string };

/** The checksums are those of the official container images (nats-io/nats-docker). */
const pinnedReleases: Readonly<Record<string, Release>> = {
  'linux-x64': {
    name: `nats-server-v${PINNED_VERSION}-linux-amd64`,
    sha256: '58ab8131f819263897e2fc38e503e1b755b63bcafeecc7d12582487df48ca15e',
  },
  'linux-arm64': {
    name: `nats-server-v${PINNED_VERSION}-linux-arm64`,
    sha256: 'b724db99fefbf8f5c808baa82819ee50350aee9734017e4a478f7e545cef3ab6',
  },
};

const DOWNLOAD_URL = 'https://github.com/nats-io/nats-server/releases/download';
const DOWNLOAD_LIMIT_IN_MS = 120_000;

/** The release for a platform, in Node's terms (`linux`, `x64`); `undefined` when there is no pinned checksum. */
export function releaseFor(platform: string, arch: string): Release | undefined {
  return pinnedReleases[`${platform}-${arch}`];
}

export function downloadUrl(release: Release, baseUrl: string = DOWNLOAD_URL): string {
  return `${baseUrl}/v${PINNED_VERSION}/${release.name}.tar.gz`;
}

/**
 * Downloads a release and installs its nats-server as `target`, atomically.
 *
 * Throws when the checksum differs, before the archive is unpacked.
 */
export async function installRelease(release: Release, { url, target }: { url: string; target: string }): Promise<void> {
  const response = await fetch(url, { signal: AbortSignal.timeout(DOWNLOAD_LIMIT_IN_MS) }).catch((cause: Error) => {
    throw new Error(messageOf(cause.cause ?? cause), { cause });
  });
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  const archive = Buffer.from(await response.arrayBuffer());
  const sum = createHash('sha256').update(archive).digest('hex');
  if (sum !== release.sha256) throw new Error(`${url} has the SHA-256 ${sum} instead of ${release.sha256}`);
  await installInto(target, async (folder) => {
    await writeFile(join(folder, 'archive.tar.gz'), archive);
    await run('tar', ['-xzf', 'archive.tar.gz', `${release.name}/nats-server`], { cwd: folder });
    return join(folder, release.name, 'nats-server');
  });
}

/** Calls `produce` with a temporary folder, and renames the executable that it made to `target`. */
export async function installInto(target: string, produce: (folder: string) => Promise<string>): Promise<void> {
  await mkdir(dirname(target), { recursive: true });
  const folder = await mkdtemp(`${target}.`);
  try {
    const produced = await produce(folder);
    await chmod(produced, 0o755);
    await rename(produced, target);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
