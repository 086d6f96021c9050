import type { Connection } from '#src/nats/transport/connection.ts';
import { addEphemeralConsumer, type EphemeralOptions } from '#src/nats/transport/consumers.ts';
import { header } from '#src/nats/wire/codec.ts';

const BATCH = 4_000;

/** Reads the sequences and request ids of the messages that a stream holds now. Messages that are stored meanwhile may be missing. */
export async function* readRequestIds(
  { jetstream, manager }: Connection,
  stream: string,
  options: Omit<EphemeralOptions, 'headersOnly'>,
): AsyncGenerator<{ sequence: number; requestId: string }> {
  const { name, num_pending: pending } = await addEphemeralConsumer(manager, stream, { ...options, headersOnly: true });
  try {
    const consumer = await jetstream.consumers.get(stream, name);
    for (let read = 0; read < pending; ) {
      const before = read;
      const messages = await consumer.fetch({ max_messages: Math.min(BATCH, pending - read), expires: 5_000 });
      for await (const message of messages) {
        read++;
        yield { sequence: message.seq, requestId: message.headers?.get(header.requestId) ?? '' };
      }
      if (read === before) return;
    }
  } finally {
    await manager.consumers.delete(stream, name).catch(() => {});
  }
}
