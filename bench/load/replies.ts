import type { Socket } from 'node:net';

/** Resolves to the next reply of an HTTP connection. Rejects when the connection fails or ends. */
export function repliesOf(socket: Socket): () => Promise<string> {
  let text = '';
  let failure: Error | undefined;
  let waiting: { resolve: (reply: string) => void; reject: (error: Error) => void } | undefined;
  const fail = (error: Error): void => {
    failure ??= error;
    waiting?.reject(failure);
  };
  socket.once('error', fail);
  socket.once('close', () => fail(new Error('the connection ended')));
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
    const headEnd = text.indexOf('\r\n\r\n');
    const end = headEnd + 4 + Number(/\r\ncontent-length: (\d+)/i.exec(text)?.[1] ?? 0);
    if (headEnd < 0 || text.length < end) return;
    const reply = text.slice(0, end);
    text = text.slice(end);
    waiting?.resolve(reply);
  });
  return () =>
    new Promise((resolve, reject) => {
      waiting = { resolve, reject };
      if (failure !== undefined) reject(failure);
    });
}
