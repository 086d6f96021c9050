import { setTimeout as delay } from 'node:timers/promises';
import type { JsMsg } from 'nats';
import { NatsUnavailableError } from '#src/core/errors.ts';
import type { Connection } from '#src/nats/transport/connection/connection.ts';
import { addEphemeralConsumer, type EphemeralOptions } from '#src/nats/transport/streams/consumers.ts';
import { readNextBySubject } from '#src/nats/wire/stored-messages.ts';

/**
 * What a reader receives before it has processed it. A message has up to 4 MB, so that a number of messages alone would bound nothing: three
 * readers of 4,000 messages each took 3.7 GB.
 */
const PAGE_BYTES = 4 * 1_024 * 1_024;
/** The messages of a page at most. The client asks for this number when it names the bytes. */
const PAGE_MESSAGES = 100;
/** The messages of a page near the end: a page of fewer messages than asked for would wait for more. */
const LAST_MESSAGES = 8;
const RETRY_IN_MS = 500;
/** Each fruitless round waits up to five seconds for messages. */
const MAX_FRUITLESS_ROUNDS = 12;

/**
 * Reads the messages that a stream holds now. Messages that are stored meanwhile may be missing.
 *
 * The messages come in pages of {@link PAGE_BYTES}: the next page is asked for when the last one was processed.
 *
 * No other message is missing (J8): a consumer on a replica that is behind counts and delivers only a part, or nothing for seconds. The read
 * therefore ends when the leader holds no further message. Throws `NatsUnavailableError` when it holds one that no consumer delivers, and
 * `NotPermittedError`.
 */
export async function* readStored(
  connection: Connection,
  stream: string,
  { from = 1, subject, ...options }: Omit<EphemeralOptions, 'since'>,
): AsyncGenerator<JsMsg> {
  const end = (await connection.manager.streams.info(stream)).state.last_seq;
  let next = from;
  for (let fruitless = 0; fruitless < MAX_FRUITLESS_ROUNDS; ) {
    const before = next;
    for await (const message of readPending(connection, stream, { ...options, from: next, subject })) {
      next = message.seq + 1;
      yield message;
    }
    const further = await readNextBySubject(connection, { stream, from: next, subject: subject ?? '>' });
    if (further === undefined || further.sequence > end) return;
    fruitless = next > before ? 0 : fruitless + 1;
    await delay(RETRY_IN_MS);
  }
  throw new NatsUnavailableError({
    servers: connection.servers,
    why: `no consumer delivers message ${next} of the stream ${stream}, or one after it`,
  });
}

/** Reads the messages that a new consumer counts. On a replica that is behind, these may be a part of the stored ones. */
export async function* readPending({ jetstream, manager }: Connection, stream: string, options: EphemeralOptions): AsyncGenerator<JsMsg> {
  const { name, num_pending: pending } = await addEphemeralConsumer(manager, stream, options);
  try {
    const consumer = await jetstream.consumers.get(stream, name);
    let isTooLarge = false;
    for (let read = 0; read < pending; ) {
      const before = read;
      const messages = await consumer.fetch({ ...page(pending - read, isTooLarge), expires: 5_000 });
      for await (const message of messages) {
        read++;
        yield message;
      }
      if (read === before && (isTooLarge || pending - read < PAGE_MESSAGES)) return;
      // The next message may be larger than a page.
      isTooLarge = read === before;
    }
  } finally {
    await manager.consumers.delete(stream, name).catch(() => {});
  }
}

function page(left: number, isTooLarge: boolean): { max_bytes: number } | { max_messages: number } {
  if (isTooLarge) return { max_messages: 1 };
  return left >= PAGE_MESSAGES ? { max_bytes: PAGE_BYTES } : { max_messages: Math.min(LAST_MESSAGES, left) };
}

/** How many messages a read with these options would return now, as a new consumer counts them. */
export async function countStored({ manager }: Connection, stream: string, options: EphemeralOptions): Promise<number> {
  const { name, num_pending: pending } = await addEphemeralConsumer(manager, stream, options);
  await manager.consumers.delete(stream, name).catch(() => {});
  return pending;
}
