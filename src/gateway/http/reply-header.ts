import type { Call } from '#src/gateway/ports.ts';

/**
 * Sets a header of the reply, whatever replies. On Node's own response: hono makes web `Headers` of what it is told, and those cost more than the
 * rest of a small reply.
 */
export function setReplyHeader(call: Call, name: string, value: string): void {
  const outgoing = call.env?.outgoing;
  if (outgoing === undefined) call.header(name, value);
  else outgoing.setHeader(name, value);
}
