import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** Sends raw bytes; resolves to all bytes that arrived before the other side closed. */
export async function sendRaw(port: number, bytes: string | Buffer, { andHalfClose = false } = {}): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  let answer = '';
  socket.setEncoding('latin1').on('data', (text: string) => {
    answer += text;
  });
  // The server may reset the connection while the client still sends.
  socket.on('error', () => {});
  await once(socket, 'connect');
  socket.write(bytes);
  if (andHalfClose) socket.end();
  await ended(socket);
  socket.destroy();
  return answer;
}

/** Sends one byte every `everyMs`, until the other side closes. */
export async function drip(port: number, start: string, everyMs: number): Promise<string> {
  const socket: Socket = connect({ port, host: '127.0.0.1' });
  let answer = '';
  socket.setEncoding('latin1').on('data', (text: string) => {
    answer += text;
  });
  socket.on('error', () => {});
  await once(socket, 'connect');
  socket.write(start);
  const timer = setInterval(() => socket.write('x'), everyMs);
  await ended(socket);
  clearInterval(timer);
  socket.destroy();
  return answer;
}

/** Sends parts with pauses; resolves to all bytes that arrived before the other side closed. */
export async function sendSlowly(port: number, parts: readonly string[], pauseInMs: number): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1' });
  let answer = '';
  socket.setEncoding('latin1').on('data', (text: string) => {
    answer += text;
  });
  socket.on('error', () => {});
  await once(socket, 'connect');
  const over = ended(socket);
  for (const part of parts) {
    socket.write(part);
    await delay(pauseInMs);
  }
  await over;
  socket.destroy();
  return answer;
}

/** Resolves when the other side ended or reset the connection. `once` would reject at an error, which a reset may be. */
async function ended(socket: Socket): Promise<void> {
  await new Promise<void>((resolve) => {
    socket.once('end', resolve).once('close', () => resolve());
  });
}
