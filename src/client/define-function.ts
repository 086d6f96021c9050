import type { z } from 'zod';
import type { FunctionDefinitionInput } from '#src/core/functions/definition.ts';
import { parseFunctionName } from '#src/core/names/names.ts';

/** What a handler learns about its execution. */
export type HandlerContext = {
  requestId: string;
  functionName: string;
  qualifier: string;
  /** 1 for the first execution; above 1 it is a retry. */
  attempt: number;
  traceparent?: string;
  /** Aborts when the execution is out of time or the worker stops. */
  signal: AbortSignal;
};

/** A function with its types: what the client sends, what the handler receives and returns. */
export type TypedFunction<Input, Output> = {
  readonly name: string;
  readonly input: z.ZodType<Input> | undefined;
  readonly output: z.ZodType<Output> | undefined;
  readonly handler: ((event: Input, context: HandlerContext) => Output | Promise<Output>) | undefined;
  /** The rest of its definition: timeout, concurrency, policy. */
  readonly options: Partial<Omit<FunctionDefinitionInput, 'name' | 'handler'>>;
};

export type FunctionOptions<Input, Output> = Partial<Omit<FunctionDefinitionInput, 'name' | 'handler'>> & {
  name: string;
  /** Checks the event before it is sent, and again before the handler sees it. */
  input?: z.ZodType<Input>;
  /** Checks what the handler returns. */
  output?: z.ZodType<Output>;
  handler?: (event: Input, context: HandlerContext) => Output | Promise<Output>;
};

/**
 * Declares a function once, for those who call it and for the worker that runs it.
 *
 * Throws `InvalidInputError` when the name is none.
 */
export function defineFunction<Input = unknown, Output = unknown>(options: FunctionOptions<Input, Output>): TypedFunction<Input, Output> {
  const { name, input, output, handler, ...rest } = options;
  return { name: parseFunctionName(name), input, output, handler, options: rest };
}
