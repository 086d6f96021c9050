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
  readonly requestId: string;
  readonly functionName: string;
  /** The version or the `!alias` that the caller named. */
  readonly qualifier: string;
  /** The number of the attempt, from 1. */
  readonly attempt: number;
  readonly traceparent?: string;
  /** Aborts at the timeout of the execution, and when the worker stops. */
  readonly signal: AbortSignal;
  /** The requests of a debounced group, in the order of their events. */
  readonly requestIds?: readonly string[];
  getRequestID(): string;
  /** The milliseconds until the timeout of this execution. */
  getRemainingTimeInMilliSeconds(): number;
  /** The timeout of the function in seconds, as in FunctionGraph. */
  getRunningTimeInSeconds(): number;
  /** A value of `userData` or `secretUserData` of the function. */
  getUserData(key: string): string | undefined;
  getFunctionName(): string;
  /** The version that runs; `latest` behind an alias. */
  getVersion(): string;
  /** The name of the alias; empty without one. */
  getAlias(): string;
  getProjectID(): string;
  getPackage(): string;
  /** In megabytes. */
  getMemorySize(): number;
  /** In millicores, by FunctionGraph's formula. */
  getCPUNumber(): number;
  getLogger(): { debug: LogLine; info: LogLine; warn: LogLine; error: LogLine };
  /** Empty, as the following ones: a function has no agency, and therefore no credentials. */
  getAccessKey(): string;
  getSecretKey(): string;
  getSecurityAccessKey(): string;
  getSecuritySecretKey(): string;
  getSecurityToken(): string;
  getToken(): string;
};

/** A function with the types of its event and its return value. */
export type TypedFunction<Input, Output> = {
  readonly name: string;
  readonly input: z.ZodType<Input> | undefined;
  readonly output: z.ZodType<Output> | undefined;
  readonly handler: ((event: Input, context: HandlerContext) => Output | Promise<Output>) | undefined;
  /** The other parts of its definition, such as timeout, concurrency and policy. */
  readonly options: Partial<Omit<FunctionDefinitionInput, 'name' | 'handler'>>;
};

export type FunctionOptions<Input, Output> = Partial<Omit<FunctionDefinitionInput, 'name' | 'handler'>> & {
  name: string;
  /** Checks the event in the client before it is sent, and in the worker before the handler is called. */
  input?: z.ZodType<Input>;
  /** Checks the return value of the handler. */
  output?: z.ZodType<Output>;
  handler?: (event: Input, context: HandlerContext) => Output | Promise<Output>;
};

/**
 * Declares a function once, for its callers and for the worker that runs it.
 *
 * Throws `InvalidInputError` for an invalid name.
 */
export function defineFunction<Input = unknown, Output = unknown>(options: FunctionOptions<Input, Output>): TypedFunction<Input, Output> {
  const { name, input, output, handler, ...rest } = options;
  return { name: parseFunctionName(name), input, output, handler, options: rest };
}
