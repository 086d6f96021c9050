import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '#test/support/free-port.ts';
import { createFolder, findPrograms, launchPeer, type PeerServer, type ServerKind } from './server.ts';

/** The programs themselves: those of Debian in PATH switch to the user `rabbitmq` and its folders. */
const DEBIAN = '/usr/lib/rabbitmq/bin';

/** One node without plugins. It syncs quorum queues before it confirms. */
export const rabbitmq: ServerKind = {
  apt: 'rabbitmq-server',
  find: () => findPrograms(['rabbitmq-server'], [DEBIAN]),
  async start(bin) {
    const folder = createFolder('rabbitmq');
    const [port, distribution, names] = [await freePort(), await freePort(), await freePort()];
    writeFileSync(join(folder, 'enabled_plugins'), '[].');
    // The registry of node names. RabbitMQ would start one that outlives it.
    const epmd = spawn('epmd', ['-address', '127.0.0.1', '-port', String(names)], { stdio: 'ignore' });
    const env = {
      ...process.env,
      HOME: folder,
      ERL_EPMD_ADDRESS: '127.0.0.1',
      ERL_EPMD_PORT: String(names),
      RABBITMQ_NODENAME: 'bench@localhost',
      RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
      RABBITMQ_NODE_PORT: String(port),
      RABBITMQ_DIST_PORT: String(distribution),
      RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-kernel inet_dist_use_interface {127,0,0,1}',
      RABBITMQ_CONF_ENV_FILE: '/dev/null',
      RABBITMQ_CONFIG_FILE: join(folder, 'rabbitmq'),
      RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, 'enabled_plugins'),
      RABBITMQ_MNESIA_BASE: join(folder, 'data'),
      RABBITMQ_LOGS: '-',
    };
    const url = `amqp://guest:guest@127.0.0.1:${port}`;
    const command = join(bin, 'rabbitmq-server');
    const server = await launchPeer({ command, args: [], folder, ready: 'Server startup complete', url, options: { env } });
    return endingWith(server, async () => {
      epmd.kill();
      if (epmd.exitCode === null && epmd.signalCode === null) await once(epmd, 'exit');
    });
  },
};

function endingWith(server: PeerServer, end: () => Promise<void>): PeerServer {
  return {
    ...server,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await end();
    },
  };
}
