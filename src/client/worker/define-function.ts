import type { z } from 'zod';
import type { FunctionDefinitionInput } from '#src/core/functions/definition.ts';
import { parseFunctionName } from '#src/core/names/names.ts';

/** Writes a line of an attempt; a value that is no text is written as JSON, and an error with its stack. */
type LogLine = (...parts: unknown[]) => void;

/**
 * The second argument of a handler: the context that FunctionGraph documents for Node.js, with Sequent's plain properties.
 *
 * The same object in all places: child processes, {@link startWorker} of `sequent-functions/client`, `sequent run` and `sequent-functions/testing`.
 *
 * @example
 * import type { HandlerContext } from 'sequent-functions/client';
 *
 * export const handler = async (event: { name?: string }, context: HandlerContext) => {
 *   context.getLogger().info(`attempt ${context.attempt} of ${context.getRequestID()}`);
 *   return { hello: event.name ?? 'world' };
 * };
 */
export type HandlerContext = {
  /** The id of the invocation, equal in all its attempts. */
  readonly requestId: string;
  /** The name of the function. */
  readonly functionName: string;
  /** The version or the `!alias` that the caller named. */
  readonly qualifier: string;
  /** The number of the attempt, from 1. */
  readonly attempt: number;
  /** The W3C Trace Context of the request, when it has one. */
  readonly traceparent?: string;
  /** Aborts at the timeout of the execution, and when the worker stops. */
  readonly signal: AbortSignal;
  /** The requests of a debounced group, in the order of their events. */
  readonly requestIds?: readonly string[];
  /** The id of the invocation, as `requestId`. */
  getRequestID(): string;
  /** The milliseconds until the timeout of this execution. */
  getRemainingTimeInMilliSeconds(): number;
  /** The timeout of the function in seconds, as in FunctionGraph. */
  getRunningTimeInSeconds(): number;
  /** The value of `key` in `userData` or `secretUserData` of the function. */
  getUserData(key: string): string | undefined;
  /** The name of the function, as `functionName`. */
  getFunctionName(): string;
  /** The version that runs; `latest` behind an alias. */
  getVersion(): string;
  /** The name of the alias; empty without one. */
  getAlias(): string;
  /** The project of the function. */
  getProjectID(): string;
  /** The package that the function belongs to; `default` without one. */
  getPackage(): string;
  /** The memory of the function in megabytes. */
  getMemorySize(): number;
  /** The share of a processor in millicores, by FunctionGraph's formula. */
  getCPUNumber(): number;
  /** Writes lines of the attempt with a level, which `sequent logs` shows. */
  getLogger(): { debug: LogLine; info: LogLine; warn: LogLine; error: LogLine };
  /** Empty, as all credentials below: a function has no agency. */
  getAccessKey(): string;
  /** Empty. */
  getSecretKey(): string;
  /** Empty. */
  getSecurityAccessKey(): string;
  /** Empty. */
  getSecuritySecretKey(): string;
  /** Empty. */
  getSecurityToken(): string;
  /** Empty. */
  getToken(): string;
};

/** A function with the types of its event and its return value. */
export type TypedFunction<Input, Output> = {
  /** The name under which it is registered and invoked. */
  readonly name: string;
  /** Checks each event, in the client and before the handler is called. */
  readonly input: z.ZodType<Input> | undefined;
  /** Checks the return value of the handler. */
  readonly output: z.ZodType<Output> | undefined;
  /** What runs for each attempt; absent in an application that only invokes the function. */
  readonly handler: ((event: Input, context: HandlerContext) => Output | Promise<Output>) | undefined;
  /** The other parts of its definition, such as timeout, concurrency and policy. */
  readonly options: Partial<Omit<FunctionDefinitionInput, 'name' | 'handler'>>;
};

/** The definition of a function with its types: the fields of [a definition](functions.md), and its handler. */
export type FunctionOptions<Input, Output> = Partial<Omit<FunctionDefinitionInput, 'name' | 'handler'>> & {
  /** 1 to 60 letters, digits, `-` or `_`; begins with a letter, and ends with a letter or a digit. */
  name: string;
  /** Checks the event in the client before it is sent, and in the worker before the handler is called. */
  input?: z.ZodType<Input>;
  /** Checks the return value of the handler. */
  output?: z.ZodType<Output>;
  /** What runs for each attempt. A thrown error fails the attempt; with `retryable: false` it is not retried. */
  handler?: (event: Input, context: HandlerContext) => Output | Promise<Output>;
};

/**
 * Declares a function once, for its callers and for the worker that runs it.
 *
 * @param options The name, the handler, the schemas of the event and of the return value, and the fields of a definition.
 * @returns The function, for `startWorker`, `invoke` and `createTestSequent`. Nothing is registered yet.
 * @throws `InvalidInputError` for an invalid name.
 * @example
 * import { defineFunction } from 'sequent-functions/client';
 * import { z } from 'zod';
 *
 * export const charge = defineFunction({
 *   name: 'charge',
 *   input: z.object({ order: z.string(), cents: z.number().int().positive() }),
 *   timeoutInMs: 30_000,
 *   policy: { maxRetries: 3, maxAgeInSeconds: 3_600, onFailure: [{ destination: 'FunctionGraph', param: { func_urn: 'alarm' } }] },
 *   handler: async ({ order, cents }, { requestId, signal }) => {
 *     const answer = await fetch('https://bank.example.com/charges', {
 *       method: 'POST',
 *       headers: { 'Idempotency-Key': requestId },
 *       body: JSON.stringify({ order, cents }),
 *       signal,
 *     });
 *     if (!answer.ok) throw new Error(`the bank answered ${answer.status}`);
 *     return { order, paid: true };
 *   },
 * });
 */
export function defineFunction<Input = unknown, Output = unknown>(options: FunctionOptions<Input, Output>): TypedFunction<Input, Output> {
  const { name, input, output, handler, ...rest } = options;
  return { name: parseFunctionName(name), input, output, handler, options: rest };
}
