import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/** What is answered ends by itself; how often it is looked at what has ended. */
const LOOK_EVERY_MS = 25;

/**
 * Knows the connections of a server, and closes it. Browsers keep connections open that never asked anything, and others after
 * their last answer: those are closed at once, and what is being answered may take until the grace is over.
 */
export function createServerCloser(server: Server): (graceInMs: number) => Promise<void> {
  const open = new Set<Socket>();
  server.on('connection', (socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
  return async (graceInMs) => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    // To Node a connection that sent nothing yet is not idle.
    for (const socket of open) if (socket.bytesRead === 0) socket.destroy();
    const looking = setInterval(() => server.closeIdleConnections(), LOOK_EVERY_MS);
    const deadline = setTimeout(() => server.closeAllConnections(), graceInMs);
    await closed;
    clearInterval(looking);
    clearTimeout(deadline);
  };
}
