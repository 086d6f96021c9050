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
