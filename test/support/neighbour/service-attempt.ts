import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { STRANGER } from '#test/support/gateway/running-gateway.ts';
import type { Ground, Reply, Sent } from './ground.ts';

/**
 * An attempt that no generator of single fields makes: many requests, two meanings of one text, or the work that a small request causes. Resolves to
 * what it reached, and to nothing when it reached nothing. The victims' beats run meanwhile, and are judged with those of all attempts.
 */
export type ServiceAttempt = { name: string; run(ground: Ground): Promise<string | undefined> };

export const json = (method: string, path: string, body: unknown): Sent => ({
  method,
  path,
  body: typeof body === 'string' ? body : JSON.stringify(body),
});
export const many = <Result>(count: number, make: (index: number) => Promise<Result>): Promise<Result[]> =>
  Promise.all(Array.from({ length: count }, (_, index) => make(index)));
export const statuses = (replies: readonly Reply[]): string => replies.map(({ status }) => status).join(' ');

/** A connection of the neighbour that sends a request, and reads nothing of the reply. */
export async function neverRead({ http }: Ground, path: string, method = 'GET', headers: Record<string, string> = {}): Promise<Socket> {
  const { hostname, port, host } = new URL(http);
  const socket = connect({ host: hostname, port: Number(port) });
  await once(socket, 'connect');
  socket.on('error', () => {}).pause();
  const lines = Object.entries({ host, 'x-auth-token': STRANGER.token, ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`);
  return socket;
}
