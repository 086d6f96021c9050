import type { Msg, MsgHdrs } from 'nats';
import type { HeaderReader } from '#src/core/log/request-messages.ts';

/**
 * Headers as the wire has them. The client's own are objects that look through all names for every value that is set or read, on either side:
 * more work than all the rest of a small message.
 */

/**
 * Writes headers that are only sent: of those the client asks for nothing but their bytes.
 *
 * Throws for a value with a line break: what is behind it would be a header, or a message, of its own (U1).
 */
export function wireHeaders(entries: Iterable<readonly [name: string, value: string]>): MsgHdrs {
  let text = 'NATS/1.0\r\n';
  for (const [name, value] of entries) {
    if (value.includes('\n') || value.includes('\r')) throw new TypeError(`the header ${name} has a line break in it`);
    text += `${name}: ${value}\r\n`;
  }
  return new EncodedHeaders(Buffer.from(`${text}\r\n`)) as unknown as MsgHdrs;
}

/** Its client has it, and does not say so. */
type Sized = Msg & { size(): number };

/** The headers of a message that was received; `undefined` when it has none. The client leaves them in front of its data. */
export function headersOf(message: Msg): HeaderReader | undefined {
  const { data, subject, reply = '' } = message;
  const length = (message as Sized).size() - data.length - Buffer.byteLength(subject) - Buffer.byteLength(reply);
  return length <= 0 ? undefined : readHeaders(Buffer.from(data.buffer, data.byteOffset - length, length));
}

/** Reads the lines of headers: a name is found as it is written, and the first of its values counts. */
export function readHeaders(bytes: Buffer): HeaderReader {
  return new HeaderText(bytes.toString());
}

class EncodedHeaders {
  readonly #bytes: Uint8Array;
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }
  encode(): Uint8Array {
    return this.#bytes;
  }
}

/** How the few names that are asked for begin a line. */
const lineStarts = new Map<string, string>();

function lineStartOf(name: string): string {
  const known = lineStarts.get(name);
  if (known !== undefined) return known;
  const made = ['\r\n', name, ':'].join('');
  lineStarts.set(name, made);
  return made;
}

class HeaderText implements HeaderReader {
  readonly #text: string;
  constructor(text: string) {
    this.#text = text;
  }
  get(name: string): string {
    const start = this.#text.indexOf(lineStartOf(name));
    if (start < 0) return '';
    const value = start + name.length + 3;
    return this.#text.slice(value, this.#text.indexOf('\r\n', value)).trim();
  }
}
