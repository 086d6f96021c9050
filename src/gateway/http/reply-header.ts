import type { Call } from '#src/gateway/ports.ts';

/**
 * Sets the header on Node's ServerResponse: building a Hono `Headers` costs more than the remainder of a small response. Falls back to
 * `call.header` where no ServerResponse exists.
 */
export function setReplyHeader(call: Call, name: string, value: string): void {
  const outgoing = call.env?.outgoing;
  if (outgoing === undefined) call.header(name, value);
  else outgoing.setHeader(name, value);
}
