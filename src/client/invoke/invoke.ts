import type { TypedFunction } from '#src/client/worker/define-function.ts';
import { checkEvent } from '#src/client/worker/handlers.ts';
import type { PayloadSealer } from '#src/core/encryption/payload-sealer.ts';
import { LATEST } from '#src/core/functions/definition.ts';
import type { Envelope } from '#src/core/log/envelope.ts';
import type { EventLog } from '#src/core/log/event-log.ts';
import { type FunctionName, parseFunctionName, parseRequestId, type RequestId } from '#src/core/names/names.ts';
import type { LargePayloads } from '#src/core/payloads/large-payloads.ts';
import type { FunctionRegistry } from '#src/functions/registry.ts';
import type { TraceRequest } from '#src/tracing/requests.ts';
import { encodePayload, type Requests } from './requests.ts';
import { type Result, type ResultWaiter, toResult } from './results.ts';
import type { StoredValues } from './stored-values.ts';

/** How a request is made: its idempotency key, its version, its time, its place in a flow. */
export type InvokeOptions = {
  /** The idempotency key: a second request with this id starts nothing. */
  id?: string | undefined;
  /** A version or `!alias`; `latest` by default. */
  qualifier?: string | undefined;
  /** The W3C Trace Context that the request continues; by default the active span of OpenTelemetry, if any. */
  traceparent?: string | undefined;
  /** The caller waits for the outcome of the first attempt: nothing is retried, and no destination receives the outcome. */
  synchronous?: true | undefined;
  /** The key among those of the function's flow. Without it, the flow finds the key in the payload. */
  flowKey?: string | undefined;
  /** How urgent the request is, from 0 (least) to 9 (most), while requests wait in a flow with the order `priority`; 4 by default. */
  priority?: number | undefined;
  /** The first attempt starts at this time at the earliest: a text with its zone, or milliseconds since the epoch. At most 366 days ahead. */
  at?: Date | number | string | undefined;
  /** Instead of `at`: the delay from the acceptance on, in milliseconds or as a text such as `10m`. */
  delay?: number | string | undefined;
  /** The id of the batch that the request is a member of. */
  batch?: string | undefined;
};

/** An accepted invocation. */
export type Invoked<Output = unknown> = {
  /** The id of the invocation: that of the options, or a new one. */
  requestId: string;
  /** The trace context that the request carries. */
  traceparent?: string | undefined;
  /** Waits for the outcome. Throws `TimedOutError` after `timeoutInMs` milliseconds; 60,000 by default. */
  result(options?: { timeoutInMs?: number }): Promise<Result<Output>>;
};

/** A request that the log accepted before. */
export type EarlierRequest = {
  /** Its payload as JSON text. */
  payload: string;
  /** When it was accepted, in milliseconds since the epoch. */
  at: number;
  /** When a delayed request is due, in milliseconds since the epoch. */
  dueAt: number | undefined;
};

/** The name of a function, or the function with its types. */
export type Target<Input, Output> = string | TypedFunction<Input, Output>;

/** Asynchronous invocation. A request is durable when its promise resolves. */
export interface Invoke {
  /**
   * Invokes a function asynchronously.
   *
   * Throws `FunctionNotFoundError`, `InvalidInputError` and `LogFullError`. Throws `UnknownOutcomeError` when the log may or may not have
   * accepted the request; a repetition is safe only with an `id`.
   *
   * @param target The function, or its name.
   * @param event The payload: any value that JSON can express, at most 256 KB unless the function accepts more.
   * @example
   * import { connectClient } from 'sequent-functions/client';
   *
   * await using client = await connectClient();
   * // The same order is charged once, however often this line runs.
   * await client.invoke('charge', { order: 'order-7', cents: 1_999 }, { id: 'order-7' });
   * await client.invoke('remind', { order: 'order-7' }, { delay: '3d' });
   */
  invoke<Input, Output>(target: Target<Input, Output>, event: Input, options?: InvokeOptions): Promise<Invoked<Output>>;
  /** Like {@link Invoke.invoke}, by the `name` of the function, with JSON text as the `payload`. The text is not changed. Throws `InvalidPayloadError` too. */
  invokeText(name: string, payload: string, options?: InvokeOptions): Promise<Invoked>;
  /**
   * Like {@link Invoke.invokeText}, for a process that accepts the requests of many callers: those of one turn of the event loop share messages.
   * Throws as `invokeText`.
   *
   * A request that is alone in its message has the `id` of the options. Another one has an id of its message, and `requestId` tells it, as does
   * `UnknownOutcomeError`. Such a request is repeated by `invokeOnce` with `repeats`.
   */
  invokeTogether(name: string, payload: string, options: InvokeOptions & { id: string }): Promise<Invoked>;
  /**
   * Like {@link Invoke.invokeText}, for a request that may have been made before with its id, or as the request `repeats`, possibly by another
   * process.
   *
   * If the log accepted such a request within the last two minutes, nothing is started. `earlier` is that request then, and `requestId` is its
   * id. Use `timeline` for older requests. Throws as `invokeText`.
   */
  invokeOnce(
    name: string,
    payload: string,
    options: InvokeOptions & { id: string; repeats?: string | undefined },
  ): Promise<Pick<Invoked, 'requestId' | 'traceparent'> & { earlier?: EarlierRequest }>;
  /** Invokes a function once for each of the `events`. Many requests share a message. Throws as `invoke`: some may have been accepted then. */
  invokeMany<Input, Output>(
    target: Target<Input, Output>,
    events: readonly Input[],
    options?: Omit<InvokeOptions, 'id'>,
  ): Promise<Invoked<Output>[]>;
  /** Like {@link Invoke.invokeMany}, by the `name` of the function, for `payloads` that are JSON texts already. Throws `InvalidPayloadError` too. */
  invokeTexts(name: string, payloads: readonly string[], options?: Omit<InvokeOptions, 'id'>): Promise<Invoked[]>;
}

export type InvokerOptions = {
  log: Pick<EventLog, 'readRequest'>;
  /** Opens the payload of an earlier request. */
  payloads?: PayloadSealer;
  /** Reads the large payload of an earlier request. */
  large?: Pick<LargePayloads, 'fetch'>;
  /** Reads returned values that are stored beside the log. */
  stored?: Pick<StoredValues, 'complete'>;
  requests: Requests;
  waiter: ResultWaiter;
  /** Whether the function exists, by a local copy that may be stale. */
  isKnown: (name: FunctionName, qualifier: string) => boolean;
  /** Of a client that may not read the log: called before a request is sent. */
  expectOutcome?: ExpectOutcome | undefined;
  functions: Pick<FunctionRegistry, 'find'>;
  traceRequest: TraceRequest;
};

/** Expects the outcome of a request with this id, or a new id. `outcome` waits for the outcome and throws `TimedOutError`. */
export type ExpectOutcome = (
  name: FunctionName,
  id: string | undefined,
) => Promise<{ id: string; outcome: (timeoutInMs: number) => Promise<Envelope> }>;

export function createInvoker(options: InvokerOptions): Invoke {
  const { log, payloads, large, stored, requests, waiter, isKnown, expectOutcome, functions, traceRequest } = options;

  /** Checks that a function exists: first in the local copy, which may be stale, then in the registry, which throws. */
  function checkFunction(name: string, qualifier = LATEST): FunctionName | Promise<FunctionName> {
    const parsed = parseFunctionName(name);
    return isKnown(parsed, qualifier) ? parsed : functions.find(parsed, qualifier).then(() => parsed);
  }

  function send<Output>(name: FunctionName, payload: string, options: InvokeOptions): Promise<Invoked<Output>> {
    return traceRequest(name, { ...options, payload }, async (request) => {
      if (expectOutcome === undefined) return invokedOf<Output>(name, await requests.send(name, request), request);
      const { id, outcome } = await expectOutcome(name, request.id);
      const requestId = await requests.send(name, { ...request, id });
      return invokedOf<Output>(name, requestId, { traceparent: request.traceparent, outcome });
    });
  }

  type Outcome = (timeoutInMs: number) => Promise<Envelope>;

  function invokedOf<Output>(
    name: FunctionName,
    requestId: RequestId,
    {
      traceparent,
      outcome = (timeoutInMs) => waiter.wait(requestId, { name, timeoutInMs, isAccepted: true }),
    }: { traceparent?: string | undefined; outcome?: Outcome | undefined },
  ): Invoked<Output> {
    return {
      requestId,
      traceparent,
      async result({ timeoutInMs = 60_000 } = {}) {
        const result = toResult(await outcome(timeoutInMs));
        return ((await stored?.complete(result, name)) ?? result) as Result<Output>;
      },
    };
  }

  return {
    async invoke(target, event, options = {}) {
      const known = checkFunction(nameOf(target), options.qualifier);
      const name = typeof known === 'string' ? known : await known;
      return await send(name, encodePayload(checkEvent(target, event)), options);
    },
    async invokeText(name, payload, options = {}) {
      const checked = await checkFunction(name, options.qualifier);
      return await send(checked, await requests.check(checked, { ...options, payload }), options);
    },
    async invokeTogether(name, payload, options) {
      const known = checkFunction(name, options.qualifier);
      const checked = typeof known === 'string' ? known : await known;
      const text = requests.check(checked, { ...options, payload });
      return await traceRequest(checked, { ...options, payload: typeof text === 'string' ? text : await text }, async (request) =>
        invokedOf(checked, await requests.sendTogether(checked, request), { traceparent: request.traceparent }),
      );
    },
    async invokeOnce(name, payload, options) {
      const checked = await checkFunction(name, options.qualifier);
      const repeats = options.repeats === undefined ? undefined : parseRequestId(options.repeats);
      await requests.check(checked, { ...options, payload });
      return await traceRequest(checked, { ...options, payload, repeats }, async (request) => {
        const { sequence, isRepeated } = await requests.sendOnce(checked, request);
        const message = isRepeated ? await log.readRequest(sequence) : undefined;
        const first = message?.requests.find(({ fact }) => fact.invocation === repeats) ?? message?.requests[0];
        if (first === undefined) return { requestId: options.id, traceparent: request.traceparent };
        const { invocation, at, dueAt } = first.fact;
        const opened = payloads?.open(checked, first.payload) ?? first.payload;
        const payload = (await large?.fetch({ function: checked, invocation }, opened)) ?? opened;
        return { requestId: invocation, traceparent: request.traceparent, earlier: { payload, at, dueAt } };
      });
    },
    async invokeMany(target, events, options = {}) {
      const name = await checkFunction(nameOf(target), options.qualifier);
      const payloads = events.map((event) => encodePayload(checkEvent(target, event)));
      return Promise.all(payloads.map((payload) => send<never>(name, payload, options)));
    },
    async invokeTexts(name, payloads, options = {}) {
      const checked = await checkFunction(name, options.qualifier);
      const texts = await Promise.all(payloads.map((payload) => requests.check(checked, { ...options, payload })));
      return Promise.all(texts.map((payload) => send(checked, payload, options)));
    },
  };
}

export function nameOf(target: string | { name: string }): string {
  return typeof target === 'string' ? target : target.name;
}
