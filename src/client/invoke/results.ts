import { z } from 'zod';
import { deferred } from '#src/core/deferred.ts';
import { InvocationNotFoundError, TimedOutError } from '#src/core/errors.ts';
import type { Envelope } from '#src/core/log/envelope.ts';
import type { FunctionName } from '#src/core/names/names.ts';
import { NoAnswerError } from '#src/core/no-answer-error.ts';

/** The outcome of one invocation. */
export type Result<Value = unknown> = {
  requestId: string;
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

export type ResultWaiterOptions = {
  /** Subscribes to the results of a function, or of all functions (`*`). Resolves when the server has accepted the subscription. */
  subscribe: (name: FunctionName | '*', onResult: (requestId: string, envelope: string) => void) => Promise<void>;
  /** Opens the sealed texts in an envelope. */
  open: (envelope: Envelope) => Envelope;
  /** Reads the outcome from the log. Resolves to `undefined` while the invocation is not over. */
  readOutcome: (id: string, name: FunctionName | undefined) => Promise<Envelope | undefined>;
};

type WaitForOptions = { name?: FunctionName | undefined; timeoutInMs: number; isAccepted?: boolean };

/** Waits for outcomes by a subscription, which is fast, and by reading the log, which is reliable. */
export interface ResultWaiter {
  /**
   * Resolves to the envelope of an outcome. Throws `TimedOutError`, and any error of `readOutcome` but `NoAnswerError`.
   *
   * With `isAccepted`, an unknown invocation is no error: the log accepted its request, and may have no append yet.
   */
  wait(id: string, options: WaitForOptions): Promise<Envelope>;
}

/** How often the log is read while no result arrives, because a plain subscription can lose messages. */
const READ_EVERY_MS = 5_000;

export function createResultWaiter({ subscribe, open, readOutcome }: ResultWaiterOptions): ResultWaiter {
  const waiting = new Map<string, Waiting[]>();
  const subscriptions = new Map<string, Promise<void>>();

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
    async wait(id, { name, timeoutInMs, isAccepted = false }) {
      const channel = name ?? '*';
      await ensureSubscribed(channel);
      const { promise, resolve, reject } = deferred<Envelope>();
      const entry = { resolve };
      const key = keyOf(channel, id);
      waiting.set(key, [...(waiting.get(key) ?? []), entry]);
      const readLog = (): void => {
        readOutcome(id, name).then(
          (found) => found !== undefined && resolve(found),
          (error: unknown) => {
            // Without an answer the outcome is unknown, and the next reading may find it.
            const mayCome = error instanceof NoAnswerError || (isAccepted && error instanceof InvocationNotFoundError);
            if (!mayCome) reject(error);
          },
        );
      };
      const timer = setInterval(readLog, READ_EVERY_MS);
      const deadline = setTimeout(() => reject(new TimedOutError({ what: `the outcome of ${id}`, afterMs: timeoutInMs })), timeoutInMs);
      try {
        readLog();
        return await promise;
      } finally {
        clearInterval(timer);
        clearTimeout(deadline);
        const others = (waiting.get(key) ?? []).filter((other) => other !== entry);
        if (others.length === 0) waiting.delete(key);
        else waiting.set(key, others);
      }
    },
  };
}
