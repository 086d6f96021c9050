import type { Socket } from 'node:net';

/** The connections whose present request may take longer than others to arrive. */
const long = new WeakSet<Socket>();

/**
 * Exempts the present request of a connection from the time limit of a request, because its route has limits of its own. The returned
 * function ends the exemption. Node has this limit for a whole server only.
 */
export function allowLongRequest(socket: Socket | undefined): () => void {
  if (socket === undefined) return () => {};
  long.add(socket);
  return () => void long.delete(socket);
}

export function isLongRequest(socket: Socket): boolean {
  return long.has(socket);
}
