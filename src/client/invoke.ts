import { LATEST } from '#src/core/functions/definition.ts';
import type { Envelope } from '#src/core/log/envelope.ts';
import type { EventLog } from '#src/core/log/event-log.ts';
import { type FunctionName, parseFunctionName } from '#src/core/names/names.ts';
import type { FunctionRegistry } from '#src/functions/registry.ts';
import type { TraceRequest } from '#src/tracing/requests.ts';
import type { TypedFunction } from './define-function.ts';
import { checkEvent } from './handlers.ts';
import { checkJson, encodePayload, type Requests } from './requests.ts';
import { type Result, type ResultWaiter, toResult } from './results.ts';

export type InvokeOptions = {
  /** The idempotency key: a second request with this id starts nothing. */
  id?: string | undefined;
  /** A version or `!alias`; `latest` by default. */
  qualifier?: string | undefined;
  traceparent?: string | undefined;
};

/** An accepted invocation. */
export type Invoked<Output = unknown> = {
  requestId: string;
  /** The trace context that the request carries. */
  traceparent?: string | undefined;
  /** Waits for the outcome. Throws `TimedOutError` (after 60 s by default). */
  result(options?: { timeoutInMs?: number }): Promise<Result<Output>>;
};

export type Target<Input, Output> = string | TypedFunction<Input, Output>;

/** Asynchronous invocation. A request is durable when its promise resolves. */
export interface Invoke {
  /**
   * Invokes a function asynchronously.
   *
   * Throws `FunctionNotFoundError`, `InvalidInputError` and `LogFullError`. Throws `UnknownOutcomeError` when the log may or may not have
   * accepted the request; a repetition is safe only with an `id`.
   */
  invoke<Input, Output>(target: Target<Input, Output>, event: Input, options?: InvokeOptions): Promise<Invoked<Output>>;
  /** Like {@link Invoke.invoke}, with JSON text as the payload. The text is not changed. */
  invokeText(name: string, payload: string, options?: InvokeOptions): Promise<Invoked>;
  /**
   * Like {@link Invoke.invokeText}, for a request that may have been made before with its id, possibly by another process.
   *
   * If the log accepted such a request within the last two minutes, nothing is started, and `earlier` is the payload of that request. Use
   * `timeline` for older requests.
   */
  invokeOnce(
    name: string,
    payload: string,
    options: InvokeOptions & { id: string },
  ): Promise<Pick<Invoked, 'requestId' | 'traceparent'> & { earlier?: string }>;
  /** Invokes a function once for each event. */
  invokeMany<Input, Output>(
    target: Target<Input, Output>,
    events: readonly Input[],
    options?: Omit<InvokeOptions, 'id'>,
  ): Promise<Invoked<Output>[]>;
}

export type InvokerOptions = {
  log: Pick<EventLog, 'readRequest'>;
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
  const { log, requests, waiter, isKnown, expectOutcome, functions, traceRequest } = options;

  /** Checks that a function exists: first in the local copy, which may be stale, then in the registry, which throws. */
  function checkFunction(name: string, qualifier = LATEST): FunctionName | Promise<FunctionName> {
    const parsed = parseFunctionName(name);
    return isKnown(parsed, qualifier) ? parsed : functions.find(parsed, qualifier).then(() => parsed);
  }

  function send<Output>(name: FunctionName, payload: string, options: InvokeOptions): Promise<Invoked<Output>> {
    return traceRequest(name, { ...options, payload }, async (request) => {
      const expected = await expectOutcome?.(name, request.id);
      const requestId = await requests.send(name, expected === undefined ? request : { ...request, id: expected.id });
      const outcome = expected?.outcome ?? ((timeoutInMs) => waiter.wait(requestId, { name, timeoutInMs, isAccepted: true }));
      return {
        requestId,
        traceparent: request.traceparent,
        async result({ timeoutInMs = 60_000 } = {}) {
          return toResult(await outcome(timeoutInMs)) as Result<Output>;
        },
      };
    });
  }

  return {
    async invoke(target, event, options = {}) {
      return await send(await checkFunction(nameOf(target), options.qualifier), encodePayload(checkEvent(target, event)), options);
    },
    async invokeText(name, payload, options = {}) {
      return await send(await checkFunction(name, options.qualifier), checkJson(payload), options);
    },
    async invokeOnce(name, payload, options) {
      const checked = await checkFunction(name, options.qualifier);
      return await traceRequest(checked, { ...options, payload: checkJson(payload) }, async (request) => {
        const { sequence, isRepeated } = await requests.sendOnce(checked, request);
        const first = isRepeated ? await log.readRequest(sequence) : undefined;
        const earlier = first === undefined ? {} : { earlier: first.requests[0]?.payload ?? '' };
        return { requestId: options.id, traceparent: request.traceparent, ...earlier };
      });
    },
    async invokeMany(target, events, options = {}) {
      const name = await checkFunction(nameOf(target), options.qualifier);
      const payloads = events.map((event) => encodePayload(checkEvent(target, event)));
      return Promise.all(payloads.map((payload) => send<never>(name, payload, options)));
    },
  };
}

export function nameOf(target: string | { name: string }): string {
  return typeof target === 'string' ? target : target.name;
}
