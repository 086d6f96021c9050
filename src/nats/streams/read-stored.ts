import type { JsMsg } from 'nats';
import type { Connection } from '#src/nats/transport/connection.ts';
import { addEphemeralConsumer, type EphemeralOptions } from '#src/nats/transport/consumers.ts';

const BATCH = 4_000;

/** Reads the messages that a stream holds now. Messages that are stored meanwhile may be missing. */
export async function* readStored({ jetstream, manager }: Connection, stream: string, options: EphemeralOptions): AsyncGenerator<JsMsg> {
  const { name, num_pending: pending } = await addEphemeralConsumer(manager, stream, options);
  try {
    const consumer = await jetstream.consumers.get(stream, name);
    for (let read = 0; read < pending; ) {
      const before = read;
      const messages = await consumer.fetch({ max_messages: Math.min(BATCH, pending - read), expires: 5_000 });
      for await (const message of messages) {
        read++;
        yield message;
      }
      if (read === before) return;
    }
  } finally {
    await manager.consumers.delete(stream, name).catch(() => {});
  }
}

/** How many messages a read with these options would return now. */
export async function countStored({ manager }: Connection, stream: string, options: EphemeralOptions): Promise<number> {
  const { name, num_pending: pending } = await addEphemeralConsumer(manager, stream, options);
  await manager.consumers.delete(stream, name).catch(() => {});
  return pending;
}
