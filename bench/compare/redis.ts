import { join } from 'node:path';
import { freePort } from '#test/support/free-port.ts';
import { createFolder, findPrograms, launchPeer, type ServerKind } from './server.ts';

/** With an append-only file. `everysec` may lose a second in a power cut; `always` syncs before it answers. */
export function redisWith(appendfsync: 'everysec' | 'always'): ServerKind {
  return {
    apt: 'redis-server',
    find: () => findPrograms(['redis-server']),
    async start(bin) {
      const folder = createFolder('redis');
      const port = await freePort();
      const settings = { port, bind: '127.0.0.1', dir: folder, save: '', appendonly: 'yes', appendfsync };
      return await launchPeer({
        command: join(bin, 'redis-server'),
        args: Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]),
        folder,
        ready: 'Ready to accept connections',
        url: `redis://127.0.0.1:${port}`,
      });
    },
  };
}
