import type { z } from 'zod';
import type { FunctionDefinitionInput } from '#src/core/functions/definition.ts';
import { parseFunctionName } from '#src/core/names/names.ts';

/** The execution that a handler runs in. */
export type HandlerContext = {
  requestId: string;
  functionName: string;
  qualifier: string;
  /** The number of the attempt, from 1. */
  attempt: number;
  traceparent?: string;
  /** Aborts at the timeout of the execution, and when the worker stops. */
  signal: AbortSignal;
  /** The requests of a debounced group, in the order of their events. */
  requestIds?: readonly string[];
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
