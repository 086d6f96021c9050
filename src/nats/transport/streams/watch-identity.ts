import type { Connection } from '#src/nats/transport/connection/connection.ts';

/**
 * Returns a function that tells whether the stream was created again since its last call (STRM2). Its sequences then start at 1 again.
 *
 * Throws when the stream does not exist, or when nothing answers.
 */
export function watchIdentity({ manager }: Connection, stream: string): () => Promise<boolean> {
  let known: string | undefined;
  return async () => {
    const created = String((await manager.streams.info(stream)).created);
    const isAnother = known !== undefined && known !== created;
    known = created;
    return isAnother;
  };
}

/** A stream that is created again at each of these tries is a fault of its owner, which the caller reports. */
const MAX_TRIES = 5;

type OpeningOptions = {
  stream: string;
  /** Opens a consumer at the position of the reader, and returns its name. */
  open: () => Promise<string>;
  /** Sets the position of the reader to the first message. */
  restart: () => void;
};

/**
 * Returns a function that opens the consumer of a reader (STRM2). When the stream was created again since the last call, or while the consumer was
 * opened, the consumer starts at the first message of the new stream. A position of the former stream would skip the first messages of the new one.
 *
 * Throws when the stream does not exist, when nothing answers, or when the stream is created again at each try.
 */
export function openOnOneStream(connection: Connection, { stream, open, restart }: OpeningOptions): () => Promise<string> {
  const isRecreated = watchIdentity(connection, stream);
  return async () => {
    if (await isRecreated()) restart();
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const name = await open();
      if (!(await isRecreated())) return name;
      restart();
    }
    throw new Error(`the JetStream stream ${stream} was created again ${MAX_TRIES} times while its consumer was opened`);
  };
}
