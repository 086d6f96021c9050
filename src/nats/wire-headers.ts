/** Headers that are only sent, as the wire has them. */
export type WireHeaders = { encode(): Uint8Array };

/**
 * Writes headers. The client's own are looked through for every value that is set, which costs more than the rest of a publish.
 *
 * Throws for a value with a line break: what is behind it would be a header, or a message, of its own (U1).
 */
export function wireHeaders(entries: Iterable<readonly [name: string, value: string]>): WireHeaders {
  let text = 'NATS/1.0\r\n';
  for (const [name, value] of entries) {
    if (value.includes('\n') || value.includes('\r')) throw new TypeError(`the header ${name} has a line break in it`);
    text += `${name}: ${value}\r\n`;
  }
  const bytes = Buffer.from(`${text}\r\n`);
  return {
    encode() {
      return bytes;
    },
  };
}
