import { z } from 'zod';
import { InvocationNotFoundError, TimedOutError } from '#src/core/errors.ts';
import type { Envelope } from '#src/core/log/envelope.ts';
import type { FunctionName } from '#src/core/names/names.ts';

/** The outcome of one invocation. */
export type Result<Value = unknown> = {
  requestId: string;
  outcome: 'succeeded' | 'failed';
  /** What the function returned: the parsed JSON, or the text when it is none. `undefined` for a failure. */
  value: Value | undefined;
  /** What subscribers and targets receive, key for key. */
  envelope: Envelope;
};

export function toResult(envelope: Envelope): Result {
  const { condition, request_id } = envelope.request_context;
  const outcome = condition === '' ? 'succeeded' : 'failed';
  return { requestId: request_id, outcome, value: outcome === 'succeeded' ? parseValue(envelope.response_payload) : undefined, envelope };
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

/** The envelope in a message of a result subject, or `undefined` when it holds none: anybody may publish there. */
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
  /** Hears the results of a function, or of all (`*`), from now on; resolves when it does. */
  listen: (name: FunctionName | '*', onResult: (requestId: string, envelope: string) => void) => Promise<void>;
  /** Looks into the log whether there is an outcome already. */
  look: (id: string, name: FunctionName | undefined) => Promise<Envelope | undefined>;
};

type WaitForOptions = { name?: FunctionName | undefined; timeoutInMs: number; isAccepted?: boolean };

/** Waits for outcomes: hears the result subjects, and looks into the log, which is what counts. */
export interface ResultWaiter {
  /** Throws `TimedOutError`, and what `look` throws; of what `isAccepted` the log may say nothing yet. */
  wait(id: string, options: WaitForOptions): Promise<Envelope>;
}

/** How often the log is looked at while nothing is heard: a message to a plain subscriber can be lost. */
const LOOK_EVERY_MS = 5_000;

export function createResultWaiter({ listen, look }: ResultWaiterOptions): ResultWaiter {
  const waiting = new Map<string, Waiting[]>();
  const listening = new Map<string, Promise<void>>();

  // Two functions may have an invocation of the same id.
  const listenerKeyOf = (channel: string, id: string): string => `${channel}/${id}`;

  function hear(key: string, envelope: string): void {
    const entries = waiting.get(key);
    if (entries === undefined) return;
    const parsed = readEnvelope(envelope);
    if (parsed !== undefined) for (const { resolve } of entries) resolve(parsed);
  }

  function listenTo(channel: FunctionName | '*'): Promise<void> {
    const started = listening.get(channel) ?? listen(channel, (requestId, envelope) => hear(listenerKeyOf(channel, requestId), envelope));
    listening.set(channel, started);
    // The next wait tries again.
    return started.catch((error: unknown) => {
      listening.delete(channel);
      throw error;
    });
  }

  return {
    async wait(id, { name, timeoutInMs, isAccepted = false }) {
      const channel = name ?? '*';
      await listenTo(channel);
      const { promise, resolve, reject } = deferred<Envelope>();
      const entry = { resolve };
      const key = listenerKeyOf(channel, id);
      waiting.set(key, [...(waiting.get(key) ?? []), entry]);
      const lookNow = (): void => {
        look(id, name).then(
          (found) => found !== undefined && resolve(found),
          (error: unknown) => {
            if (!isAccepted || !(error instanceof InvocationNotFoundError)) reject(error);
          },
        );
      };
      const timer = setInterval(lookNow, LOOK_EVERY_MS);
      const deadline = setTimeout(() => reject(new TimedOutError({ what: `the outcome of ${id}`, afterMs: timeoutInMs })), timeoutInMs);
      try {
        lookNow();
        return await promise;
      } finally {
        clearInterval(timer);
        clearTimeout(deadline);
        const rest = (waiting.get(key) ?? []).filter((other) => other !== entry);
        if (rest.length === 0) waiting.delete(key);
        else waiting.set(key, rest);
      }
    },
  };
}

/** `Promise.withResolvers`, which Node 20 does not have. */
function deferred<Value>(): { promise: Promise<Value>; resolve: (value: Value) => void; reject: (reason: unknown) => void } {
  let resolve: (value: Value) => void = () => {};
  let reject: (reason: unknown) => void = () => {};
  const promise = new Promise<Value>((onValue, onReason) => {
    resolve = onValue;
    reject = onReason;
  });
  return { promise, resolve, reject };
}
