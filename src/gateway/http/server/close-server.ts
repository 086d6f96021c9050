import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/** How often the server is searched for connections whose last response has ended. */
const CHECK_EVERY_MS = 25;

/**
 * Tracks the connections of a server, and closes the server. A connection without a request in progress is closed at once: browsers keep
 * such connections open. A request in progress may take until the grace period is over.
 */
export function createServerCloser(server: Server): (graceInMs: number) => Promise<void> {
  const open = new Set<Socket>();
  server.on('connection', (socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
  return async (graceInMs) => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    // Node does not count a connection that has sent nothing yet as idle.
    for (const socket of open) if (socket.bytesRead === 0) socket.destroy();
    const checks = setInterval(() => server.closeIdleConnections(), CHECK_EVERY_MS);
    const deadline = setTimeout(() => server.closeAllConnections(), graceInMs);
    await closed;
    clearInterval(checks);
    clearTimeout(deadline);
  };
}
