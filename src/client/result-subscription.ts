import { followResults } from '#src/nats/streams/result-feed.ts';
import type { Connection } from '#src/nats/transport/connection.ts';
import { type Result, readEnvelope, toResult } from './results.ts';

/** The outcomes of a subject in order, until the loop that reads them ends, or the signal aborts. Resolves when reading began. */
export async function subscribeToResults<Output>(
  connection: Connection,
  { subject, from, closing }: { subject: string; from: 'now' | number; closing: AbortSignal },
): Promise<AsyncIterable<Result<Output>>> {
  const arrived: Result<Output>[] = [];
  let wake = (): void => {};
  const ending = new AbortController();
  const end = (): void => {
    ending.abort();
    wake();
  };
  closing.addEventListener('abort', end, { once: true });
  await followResults(connection, { subject, from, signal: ending.signal }, ({ envelope }) => {
    const found = readEnvelope(envelope);
    if (found === undefined) return;
    arrived.push(toResult(found) as Result<Output>);
    wake();
  });
  return read();

  async function* read(): AsyncGenerator<Result<Output>> {
    try {
      while (!ending.signal.aborted) {
        for (let next = arrived.shift(); next !== undefined; next = arrived.shift()) yield next;
        await new Promise<void>((resolve) => {
          wake = resolve;
          if (arrived.length > 0 || ending.signal.aborted) resolve();
        });
      }
    } finally {
      closing.removeEventListener('abort', end);
      ending.abort();
    }
  }
}
