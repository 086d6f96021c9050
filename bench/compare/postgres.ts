import { execFileSync } from 'node:child_process';
import { chownSync, existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '#test/support/free-port.ts';
import { createFolder, findPrograms, launchPeer, type ServerKind } from './server.ts';

const DEBIAN = '/usr/lib/postgresql';

/**
 * The durability that PostgreSQL has by default: it syncs before it answers. Memory and checkpoints as its documentation advises for a server of its
 * own (https://www.postgresql.org/docs/15/runtime-config-resource.html: a share of the memory; https://www.postgresql.org/docs/15/wal-configuration.html:
 * rarer checkpoints).
 */
const SETTINGS = {
  listen_addresses: '127.0.0.1',
  max_connections: 200,
  shared_buffers: '512MB',
  max_wal_size: '4GB',
  checkpoint_timeout: '15min',
};

export const postgres: ServerKind = {
  apt: 'postgresql',
  find() {
    const versions = existsSync(DEBIAN) ? readdirSync(DEBIAN).map((version) => join(DEBIAN, version, 'bin')) : [];
    return findPrograms(['initdb', 'postgres'], versions.reverse());
  },
  async start(bin) {
    const folder = createFolder('postgres');
    const user = userOf();
    if (user.uid !== undefined && user.gid !== undefined) chownSync(folder, user.uid, user.gid);
    const data = join(folder, 'data');
    const options = { ...user, cwd: folder };
    execFileSync(join(bin, 'initdb'), ['-D', data, '-U', 'bench', '--auth', 'trust'], { ...options, stdio: 'ignore' });
    const port = await freePort();
    return await launchPeer({
      command: join(bin, 'postgres'),
      args: [
        '-D',
        data,
        '-k',
        folder,
        '-p',
        String(port),
        ...Object.entries(SETTINGS).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
      ],
      folder,
      ready: 'ready to accept connections',
      url: `postgres://bench@127.0.0.1:${port}/postgres`,
      options,
      // PostgreSQL waits for its clients after SIGTERM.
      endBy: 'SIGINT',
    });
  },
};

/** PostgreSQL refuses to run as root. The server runs as the user `postgres`, or as `nobody` when that user does not exist. */
function userOf(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const idOf = (flag: string, name: string): number => Number(execFileSync('id', [flag, name], { stdio: ['ignore', 'pipe', 'ignore'] }));
  for (const name of ['postgres', 'nobody']) {
    try {
      return { uid: idOf('-u', name), gid: idOf('-g', name) };
    } catch {
      // No such user.
    }
  }
  return {};
}
