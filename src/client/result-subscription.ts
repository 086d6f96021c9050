import type { Envelope } from '#src/core/log/envelope.ts';
import type { FunctionName } from '#src/core/names/names.ts';
import { subscribeToLiveResults } from '#src/nats/streams/live-results.ts';
import { followResults } from '#src/nats/streams/result-feed.ts';
import type { Connection } from '#src/nats/transport/connection.ts';
import { type Result, readEnvelope, toResult } from './results.ts';

type Reading = {
  /** Opens the sealed texts in an envelope. */
  open: (envelope: Envelope) => Envelope;
  closing: AbortSignal;
};

/** Subscribes to outcomes in order, until the reading loop ends or `closing` aborts. Resolves when the start position is fixed. */
export async function subscribeToResults<Output>(
  connection: Connection,
  { subject, from, ...reading }: Reading & { subject: string; from: 'now' | number },
): Promise<AsyncIterable<Result<Output>>> {
  return await collect(reading, (onResult, signal) =>
    followResults(connection, { subject, from, signal }, ({ envelope }) => onResult(envelope)),
  );
}

type LiveOptions = Reading & { name: FunctionName; outcome: 'succeeded' | 'failed' | undefined };

/** The same for outcomes that are published from now on. A lost connection loses outcomes. Throws `NotPermittedError`. */
export async function followLiveResults<Output>(
  connection: Connection,
  { name, outcome, ...reading }: LiveOptions,
): Promise<AsyncIterable<Result<Output>>> {
  return await collect(reading, (onResult, signal) =>
    subscribeToLiveResults(connection, name, (_, envelope) => onResult(envelope), { outcome, signal }),
  );
}

type Subscribe = (onResult: (envelope: string) => void, signal: AbortSignal) => Promise<void>;

async function collect<Output>({ open, closing }: Reading, subscribe: Subscribe): Promise<AsyncIterable<Result<Output>>> {
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
    arrived.push(toResult(open(found)) as Result<Output>);
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
