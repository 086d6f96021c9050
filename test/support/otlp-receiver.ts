import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A span as a receiver of OTLP sees it. Ids are in hexadecimal. */
type ReceivedSpan = {
  name: string;
  traceId: string;
  spanId: string;
  parentSpanId: string;
  /** The ids of the spans that it links to. */
  links: string[];
  attributes: Record<string, string | number>;
  resource: Record<string, string | number>;
};

/** A receiver of OTLP over HTTP with protobuf, as a collector has it. */
export interface OtlpReceiver extends AsyncDisposable {
  readonly url: string;
  readonly spans: ReceivedSpan[];
}

export async function startOtlpReceiver(): Promise<OtlpReceiver> {
  const spans: ReceivedSpan[] = [];
  const server = createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray());
    const isTraces = request.url === '/v1/traces' && request.headers['content-type'] === 'application/x-protobuf';
    if (isTraces) spans.push(...spansIn(body));
    response.writeHead(isTraces ? 200 : 404).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** The numbers are those of the fields in `opentelemetry/proto/trace/v1/trace.proto`. */
function spansIn(request: Buffer): ReceivedSpan[] {
  return messages(request, 1).flatMap((resourceSpans) => {
    const resource = attributesIn(messages(resourceSpans, 1)[0] ?? Buffer.alloc(0), 1);
    const spans = messages(resourceSpans, 2).flatMap((scopeSpans) => messages(scopeSpans, 2));
    return spans.map((span) => ({
      name: text(span, 5),
      traceId: hex(span, 1),
      spanId: hex(span, 2),
      parentSpanId: hex(span, 4),
      links: messages(span, 13).map((link) => hex(link, 2)),
      attributes: attributesIn(span, 9),
      resource,
    }));
  });
}

function attributesIn(message: Buffer, field: number): Record<string, string | number> {
  const pairs = messages(message, field).map((pair) => {
    const [value = Buffer.alloc(0)] = messages(pair, 2);
    // A string, or an integer.
    return [text(pair, 1), messages(value, 1).length > 0 ? text(value, 1) : (numbers(value, 3)[0] ?? 0)] as const;
  });
  return Object.fromEntries(pairs);
}

const messages = (message: Buffer, field: number): Buffer[] =>
  fieldsOf(message).flatMap((one) => (one.field === field && Buffer.isBuffer(one.value) ? [one.value] : []));
const numbers = (message: Buffer, field: number): number[] =>
  fieldsOf(message).flatMap((one) => (one.field === field && typeof one.value === 'number' ? [one.value] : []));
const text = (message: Buffer, field: number): string => messages(message, field)[0]?.toString() ?? '';
const hex = (message: Buffer, field: number): string => messages(message, field)[0]?.toString('hex') ?? '';

const FIXED_BYTES: Readonly<Record<number, number>> = { 1: 8, 5: 4 };

/** The fields of a message of protobuf, without fixed numbers. */
function fieldsOf(message: Buffer): { field: number; value: number | Buffer }[] {
  const fields: { field: number; value: number | Buffer }[] = [];
  let at = 0;
  function varint(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = message[at++] ?? 0;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  }
  while (at < message.length) {
    const key = varint();
    const wire = key & 7;
    if (wire === 0) fields.push({ field: key >> 3, value: varint() });
    else if (wire === 2) {
      const length = varint();
      fields.push({ field: key >> 3, value: message.subarray(at, at + length) });
      at += length;
    } else at += FIXED_BYTES[wire] ?? message.length;
  }
  return fields;
}
