import type { Connection } from '#src/nats/transport/connection.ts';
import type { EphemeralOptions } from '#src/nats/transport/consumers.ts';
import { header } from '#src/nats/wire/codec.ts';
import { readStored } from './read-stored.ts';

/** Reads the sequences and request ids of the messages that a stream holds now. Messages that are stored meanwhile may be missing. */
export async function* readRequestIds(
  connection: Connection,
  stream: string,
  options: Omit<EphemeralOptions, 'headersOnly'>,
): AsyncGenerator<{ sequence: number; requestId: string }> {
  for await (const message of readStored(connection, stream, { ...options, headersOnly: true }))
    yield { sequence: message.seq, requestId: message.headers?.get(header.requestId) ?? '' };
}
