import { connect, type Socket } from 'node:net';
import { z } from 'zod';
import { proofOf } from '#src/nats/transport/connection/nkey.ts';

const infoSchema = z.object({
  server_name: z.string(),
  version: z.string(),
  jetstream: z.boolean().default(false),
  nonce: z.string().optional(),
});
export type ServerInfo = z.infer<typeof infoSchema>;

/** An idle connection that marks a user of the server. When the connection closes, the server has ended. */
export interface Tether {
  readonly info: ServerInfo;
  readonly closed: Promise<void>;
  close(): void;
}

/** The name of a tether in the server's list of connections. Their count is the number of Sequent processes that use the server. */
const TETHER_NAME = 'sequent-tether';
/** A busy server greets late. A command that gives up too early would take another server for the one of the data folder. */
const GREETING_LIMIT_IN_MS = 10_000;

/** Connects the caller to a NATS server, as the user with this seed. Rejects when no NATS server answers within ten seconds. */
export async function openTether(port: number, seed: string): Promise<Tether> {
  const { socket, info, closed } = await greet(port);
  const proof = proofOf(seed, info.nonce);
  const options = { verbose: false, pedantic: false, name: TETHER_NAME, lang: 'sequent', version: '1', ...proof };
  socket.write(`CONNECT ${JSON.stringify(options)}\r\n`);
  return { info, closed, close: () => void socket.destroy() };
}

/** The INFO of the server on a port, or `undefined` when none answers. The connection does not count as a tether. */
export async function greetingOf(port: number, limitInMs = GREETING_LIMIT_IN_MS): Promise<ServerInfo | undefined> {
  try {
    const { socket, info } = await greet(port, limitInMs);
    socket.destroy();
    return info;
  } catch {
    return undefined;
  }
}

function greet(port: number, limitInMs = GREETING_LIMIT_IN_MS): Promise<{ socket: Socket; info: ServerInfo; closed: Promise<void> }> {
  const socket = connect({ host: '127.0.0.1', port }).setEncoding('utf8');
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => socket.destroy(), limitInMs);
    void closed.then(() => {
      clearTimeout(timer);
      reject(new Error(`no NATS server answers on port ${port}`));
    });
    socket.on('error', reject);
    let incomplete = '';
    let isGreeted = false;
    socket.on('data', (text: string) => {
      const lines = `${incomplete}${text}`.split('\r\n');
      incomplete = lines.pop() ?? '';
      if (lines.includes('PING')) socket.write('PONG\r\n');
      const info = isGreeted ? undefined : parseInfo(lines[0]);
      if (info === undefined) return;
      isGreeted = true;
      clearTimeout(timer);
      resolve({ socket, info, closed });
    });
  });
}

const connectionsSchema = z.object({ connections: z.array(z.object({ name: z.string().default('') })) });

/** How many Sequent processes use the server behind a monitoring address. */
export async function countTethers(monitorUrl: string): Promise<number> {
  const response = await fetch(`${monitorUrl}/connz?limit=65536`, { signal: AbortSignal.timeout(5_000) });
  const { connections } = connectionsSchema.parse(await response.json());
  return connections.filter(({ name }) => name === TETHER_NAME).length;
}

function parseInfo(line = ''): ServerInfo | undefined {
  try {
    if (!line.startsWith('INFO ')) return undefined;
    return infoSchema.parse(JSON.parse(line.slice('INFO '.length)));
  } catch {
    return undefined;
  }
}
