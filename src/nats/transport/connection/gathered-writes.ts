import type { NatsConnection } from 'nats';

/** Private members of a nats.js connection: the buffer of outgoing data, and the method that writes the buffer to the socket. */
type Protocol = { outbound: { size(): number }; flushPending(): void };

/** A buffer of this size is written at once. */
const MAX_GATHERED_BYTES = 256 * 1_024;

/**
 * Lets everything that is sent in one turn of the event loop share one write to the socket (docs/performance.md H18). The order stays.
 *
 * nats.js writes after a microtask, so that each step of a chain of promises has a write of its own.
 */
export function gatherWrites(nats: NatsConnection): void {
  const { protocol } = nats as unknown as { protocol: Protocol };
  const write = protocol.flushPending.bind(protocol);
  let isWaiting = false;
  protocol.flushPending = () => {
    if (protocol.outbound.size() >= MAX_GATHERED_BYTES) return write();
    if (isWaiting) return;
    isWaiting = true;
    setImmediate(() => {
      isWaiting = false;
      write();
    });
  };
}
