import type { Msg, MsgHdrs } from 'nats';
import type { HeaderReader } from '#src/core/log/requests/request-messages.ts';

/** NATS headers as text instead of the client's header objects (docs/performance.md H3). */

/**
 * Encodes headers for sending. The result has no method except `encode`, which is the only one that the client calls when it publishes.
 *
 * Throws for a value with a line break, because the text after it would become a further header or message (U1).
 */
export function wireHeaders(entries: Iterable<readonly [name: string, value: string]>): MsgHdrs {
  let text = FIRST_LINE;
  for (const [name, value] of entries) {
    if (value.includes('\n') || value.includes('\r')) throw new TypeError(`the header ${name} has a line break in it`);
    text += `${name}: ${value}\r\n`;
  }
  return new EncodedHeaders(Buffer.from(`${text}\r\n`)) as unknown as MsgHdrs;
}

const FIRST_LINE = 'NATS/1.0\r\n';

/** As {@link wireHeaders}, of whole lines that the caller knows to be ASCII. */
export function asciiHeaders(lines: string): MsgHdrs {
  return new EncodedHeaders(Buffer.from(`${FIRST_LINE}${lines}\r\n`, 'latin1')) as unknown as MsgHdrs;
}

/** The headers of {@link wireHeaders} or {@link asciiHeaders}, with further whole lines of ASCII. */
export function withHeaderLines(headers: MsgHdrs, lines: string): MsgHdrs {
  const bytes = (headers as unknown as EncodedHeaders).encode();
  const end = Buffer.from(`${lines}\r\n`, 'latin1');
  return new EncodedHeaders(Buffer.concat([bytes.subarray(0, bytes.length - 2), end])) as unknown as MsgHdrs;
}

/** nats.js implements `size()` but omits it from the type. */
type Sized = Msg & { size(): number };

/** Returns the headers of a received message, or `undefined` when it has none. nats.js keeps their bytes in front of `data`. */
export function headersOf(message: Msg): HeaderReader | undefined {
  const { data, subject, reply = '' } = message;
  const length = (message as Sized).size() - data.length - Buffer.byteLength(subject) - Buffer.byteLength(reply);
  return length <= 0 ? undefined : readHeaders(Buffer.from(data.buffer, data.byteOffset - length, length));
}

/** Reads encoded headers. Names are case-sensitive, and the first value of a name is returned. */
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

/** The line starts of the few header names that are read (docs/performance.md V5). */
const lineStarts = new Map<string, string>();

function lineStartOf(name: string): string {
  const cached = lineStarts.get(name);
  if (cached !== undefined) return cached;
  const lineStart = ['\r\n', name, ':'].join('');
  lineStarts.set(name, lineStart);
  return lineStart;
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
