import type { FunctionName } from '#src/core/names/names.ts';
import { subscribeToLiveResults } from '#src/nats/streams/live-results.ts';
import { followResults } from '#src/nats/streams/result-feed.ts';
import type { Connection } from '#src/nats/transport/connection.ts';
import { type Result, readEnvelope, toResult } from './results.ts';

/** Subscribes to outcomes in order, until the reading loop ends or `closing` aborts. Resolves when the start position is fixed. */
export async function subscribeToResults<Output>(
  connection: Connection,
  { subject, from, closing }: { subject: string; from: 'now' | number; closing: AbortSignal },
): Promise<AsyncIterable<Result<Output>>> {
  return await collect(closing, (onResult, signal) =>
    followResults(connection, { subject, from, signal }, ({ envelope }) => onResult(envelope)),
  );
}

type LiveOptions = { name: FunctionName; outcome: 'succeeded' | 'failed' | undefined; closing: AbortSignal };

/** The same for outcomes that are published from now on. A lost connection loses outcomes. Throws `NotPermittedError`. */
export async function followLiveResults<Output>(
  connection: Connection,
  { name, outcome, closing }: LiveOptions,
): Promise<AsyncIterable<Result<Output>>> {
  return await collect(closing, (onResult, signal) =>
    subscribeToLiveResults(connection, name, (_, envelope) => onResult(envelope), { outcome, signal }),
  );
}

type Subscribe = (onResult: (envelope: string) => void, signal: AbortSignal) => Promise<void>;

async function collect<Output>(closing: AbortSignal, subscribe: Subscribe): Promise<AsyncIterable<Result<Output>>> {
  const arrived: Result<Output>[] = [];
  let wakeReader = (): void => {};
  const ending = new AbortController();
  const end = (): void => {
    ending.abort();
    wakeReader();
  };
  closing.addEventListener('abort', end, { once: true });
  const onResult = (envelope: string): void => {
    const found = readEnvelope(envelope);
    if (found === undefined) return;
    arrived.push(toResult(found) as Result<Output>);
    wakeReader();
  };
  await subscribe(onResult, ending.signal);
  return read();

  async function* read(): AsyncGenerator<Result<Output>> {
    try {
      while (!ending.signal.aborted) {
        for (let next = arrived.shift(); next !== undefined; next = arrived.shift()) yield next;
        await new Promise<void>((resolve) => {
          wakeReader = resolve;
          if (arrived.length > 0 || ending.signal.aborted) resolve();
        });
      }
    } finally {
      closing.removeEventListener('abort', end);
      ending.abort();
    }
  }
}
