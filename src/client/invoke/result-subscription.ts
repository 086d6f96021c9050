import { SequentError } from '#src/core/errors.ts';
import type { Envelope } from '#src/core/log/envelope.ts';
import type { FunctionName } from '#src/core/names/names.ts';
import { subscribeToLiveResults } from '#src/nats/streams/results/live-results.ts';
import { followResults } from '#src/nats/streams/results/result-feed.ts';
import type { Connection } from '#src/nats/transport/connection/connection.ts';
import { type Result, readEnvelope, toResult } from './results.ts';

/** So many outcomes wait for the reading loop. */
export const MAX_ARRIVED = 1_000;

/** A subscriber without JetStream's API reads more slowly than outcomes arrive, and the server does not wait for it. */
class SlowReaderError extends SequentError {
  readonly code = 'SLOW_READER';
  readonly retryable = true;
  constructor(facts: { name: string; kept: number }, options?: ErrorOptions) {
    super(
      `more than ${facts.kept} outcomes of "${facts.name}" wait for the reading loop, and later ones are lost: subscribe again`,
      options,
    );
  }
}

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
  return await collect(reading, async ({ onResult, demand, signal }) => {
    const pull = await followResults(connection, { subject, from, demand, signal }, ({ envelope }) => onResult(envelope));
    return () => pull.poke();
  });
}

type LiveOptions = Reading & { name: FunctionName; outcome: 'succeeded' | 'failed' | undefined };

/** The same for outcomes that are published from now on. A lost connection loses outcomes. Throws `NotPermittedError`, and in the reading loop
 * `SlowReaderError`. */
export async function followLiveResults<Output>(
  connection: Connection,
  { name, outcome, ...reading }: LiveOptions,
): Promise<AsyncIterable<Result<Output>>> {
  return await collect(reading, async ({ onResult, demand, end, signal }) => {
    // The server does not wait for the reader.
    const hear = (envelope: string): void => (demand() > 0 ? onResult(envelope) : end(new SlowReaderError({ name, kept: MAX_ARRIVED })));
    await subscribeToLiveResults(connection, name, (_, envelope) => hear(envelope), { outcome, signal });
    return () => {};
  });
}

/** `end`: ends the reading loop, which throws the reason. */
type Arrivals = { onResult: (envelope: string) => void; demand: () => number; end: (why: Error) => void; signal: AbortSignal };
/** Resolves to what is called when the demand has risen. */
type Subscribe = (arrivals: Arrivals) => Promise<() => void>;

async function collect<Output>({ open, closing }: Reading, subscribe: Subscribe): Promise<AsyncIterable<Result<Output>>> {
  const arrived: Result<Output>[] = [];
  let wakeReader = (): void => {};
  const ending = new AbortController();
  let why: Error | undefined;
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
  const onRoom = await subscribe({
    onResult,
    demand: () => MAX_ARRIVED - arrived.length,
    end(reason) {
      why ??= reason;
      end();
    },
    signal: ending.signal,
  });
  return read();

  async function* read(): AsyncGenerator<Result<Output>> {
    try {
      while (!ending.signal.aborted) {
        for (let next = arrived.shift(); next !== undefined; next = arrived.shift()) {
          onRoom();
          yield next;
        }
        await new Promise<void>((resolve) => {
          wakeReader = resolve;
          if (arrived.length > 0 || ending.signal.aborted) resolve();
        });
      }
      if (why !== undefined) throw why;
    } finally {
      closing.removeEventListener('abort', end);
      ending.abort();
    }
  }
}
