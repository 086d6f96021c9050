import { z } from 'zod';
import { deferred } from '#src/core/deferred.ts';
import { InvocationNotFoundError, NatsUnavailableError, TimedOutError } from '#src/core/errors.ts';
import type { Envelope } from '#src/core/log/envelope.ts';
import { projectOf } from '#src/core/names/addressable.ts';
import type { FunctionName } from '#src/core/names/names.ts';
import { NoAnswerError } from '#src/core/no-answer-error.ts';
import { createFairTurns } from '#src/core/quotas/fair-turns.ts';

/** The outcome of one invocation. */
export type Result<Value = unknown> = {
  /** The id of the invocation. */
  requestId: string;
  /** How the invocation ended. The condition of a failure is in `envelope.request_context.condition`. */
  outcome: 'succeeded' | 'failed';
  /** The value that the function returned: parsed JSON, or the text if it is not JSON. `undefined` for a failure. */
  value: Value | undefined;
  /** The text that the function returned; empty for a failure. */
  payload: string;
  /** The envelope that subscribers and targets receive. */
  envelope: Envelope;
};

/** `payload`: the returned text, when the envelope does not have it. */
export function toResult(envelope: Envelope, payload = envelope.response_payload): Result {
  const { condition, request_id: requestId } = envelope.request_context;
  if (condition !== '') return { requestId, outcome: 'failed', value: undefined, payload: '', envelope };
  return { requestId, outcome: 'succeeded', value: parseValue(payload), payload, envelope };
}

const envelopeSchema: z.ZodType<Envelope> = z.object({
  timestamp: z.string(),
  request_context: z.object({
    request_id: z.string(),
    function_urn: z.string(),
    condition: z.string(),
    approximate_invoke_count: z.number(),
  }),
  request_payload: z.string(),
  response_context: z.object({ status_code: z.number(), function_error: z.string() }),
  response_payload: z.string(),
});

/** Returns the envelope in a message on a result subject. Returns `undefined` for any other payload, because other clients may publish there. */
export function readEnvelope(text: string): Envelope | undefined {
  try {
    return envelopeSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

function parseValue(text: string): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

type Waiting = { resolve: (envelope: Envelope) => void };
type Settle = Waiting & { reject: (error: unknown) => void };

export type ResultWaiterOptions = {
  /** Subscribes to the results of a function, or of all functions (`*`). Resolves when the server has accepted the subscription. */
  subscribe: (name: FunctionName | '*', onResult: (requestId: string, envelope: string) => void) => Promise<void>;
  /** Opens the sealed texts in an envelope. */
  open: (envelope: Envelope) => Envelope;
  /** Reads the outcome from the log. Resolves to `undefined` while the invocation is not over. */
  readOutcome: (id: string, name: FunctionName | undefined) => Promise<Envelope | undefined>;
  /** Whether the connection is closed, so that no later reading can succeed. */
  isClosed: () => boolean;
};

type WaitForOptions = { name?: FunctionName | undefined; timeoutInMs: number; isAccepted?: boolean; signal?: AbortSignal | undefined };

/** Waits for outcomes by a subscription, which is fast, and by reading the log, which is reliable. */
export interface ResultWaiter {
  /**
   * Resolves to the envelope of an outcome. Throws `TimedOutError`, or `NatsUnavailableError` when the log did not answer last, and any other
   * error of `readOutcome`. Throws the reason of the signal when it aborts.
   *
   * With `isAccepted`, an unknown invocation is no error: the log accepted its request, and may have no append yet.
   */
  wait(id: string, options: WaitForOptions): Promise<Envelope>;
}

/** How often the log is read while no result arrives, because a plain subscription can lose messages. */
const READ_EVERY_MS = 5_000;
/** How many waits read the log at one moment, and half of them of one project: a thousand waits that begin together would delay all other work. */
const READS_AT_ONCE = 8;

export function createResultWaiter({ subscribe, open, readOutcome, isClosed }: ResultWaiterOptions): ResultWaiter {
  const waiting = new Map<string, Waiting[]>();
  const subscriptions = new Map<string, Promise<void>>();
  const createReader = createReaders({ readOutcome, isClosed });

  // Two functions may have an invocation with the same id.
  const keyOf = (channel: string, id: string): string => `${channel}/${id}`;

  function onResult(key: string, envelope: string): void {
    const entries = waiting.get(key);
    if (entries === undefined) return;
    const parsed = readEnvelope(envelope);
    if (parsed !== undefined) for (const { resolve } of entries) resolve(open(parsed));
  }

  function ensureSubscribed(channel: FunctionName | '*'): Promise<void> {
    const subscription =
      subscriptions.get(channel) ?? subscribe(channel, (requestId, envelope) => onResult(keyOf(channel, requestId), envelope));
    subscriptions.set(channel, subscription);
    // After a failure, the next wait subscribes again.
    return subscription.catch((error: unknown) => {
      subscriptions.delete(channel);
      throw error;
    });
  }

  return {
    async wait(id, { name, timeoutInMs, isAccepted = false, signal }) {
      signal?.throwIfAborted();
      const channel = name ?? '*';
      const key = keyOf(channel, id);
      const settle = deferred<Envelope>();
      const { promise, resolve, reject } = settle;
      const ending = new AbortController();
      const reader = createReader(id, { name, timeoutInMs, isAccepted, signal: ending.signal }, settle);
      // A server that answers nothing does not accept the subscription either.
      const deadline = setTimeout(() => {
        reject(reader.unread ?? new TimedOutError({ what: `the outcome of ${id}`, afterMs: timeoutInMs }));
      }, timeoutInMs);
      const onAbort = (): void => reject(signal?.reason);
      signal?.addEventListener('abort', onAbort, { once: true });
      const entry = { resolve };
      let timer: NodeJS.Timeout | undefined;
      try {
        await Promise.race([ensureSubscribed(channel), promise]);
        waiting.set(key, [...(waiting.get(key) ?? []), entry]);
        timer = setInterval(reader.read, READ_EVERY_MS);
        reader.read();
        return await promise;
      } finally {
        clearInterval(timer);
        clearTimeout(deadline);
        signal?.removeEventListener('abort', onAbort);
        ending.abort();
        const others = (waiting.get(key) ?? []).filter((other) => other !== entry);
        if (others.length === 0) waiting.delete(key);
        else waiting.set(key, others);
      }
    },
  };
}

type Reading = WaitForOptions & { signal: AbortSignal };

/** What reads the log for each wait. `unread` is why the last reading had no answer. */
function createReaders({ readOutcome, isClosed }: Pick<ResultWaiterOptions, 'readOutcome' | 'isClosed'>) {
  const inTurn = createFairTurns(READS_AT_ONCE);

  return (id: string, { name, isAccepted, signal }: Reading, { resolve, reject }: Settle) => {
    const reader = { unread: undefined as NatsUnavailableError | undefined, read };
    let isReading = false;
    /** Reads in the turn of the project, unless the last reading of this wait goes on. */
    function read(): void {
      if (isReading) return;
      isReading = true;
      const reading = inTurn(name === undefined ? undefined : projectOf(name), () => readOutcome(id, name), signal);
      reading.then(onFound, onError).finally(() => {
        isReading = false;
      });
    }
    function onFound(found: Envelope | undefined): void {
      reader.unread = undefined;
      if (found !== undefined) resolve(found);
    }
    function onError(error: unknown): void {
      reader.unread = error instanceof NatsUnavailableError && !isClosed() ? error : undefined;
      // Without an answer the outcome is unknown, and the next reading may find it.
      const mayCome =
        reader.unread !== undefined || error instanceof NoAnswerError || (isAccepted && error instanceof InvocationNotFoundError);
      if (!mayCome) reject(error);
    }
    return reader;
  };
}
