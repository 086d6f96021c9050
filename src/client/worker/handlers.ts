import type { z } from 'zod';
import { InvalidInputError } from '#src/core/errors.ts';
import { parseInput } from '#src/core/functions/entry.ts';
import { problemsOf } from '#src/core/text/problems.ts';
import type { TypedFunction } from './define-function.ts';

/** Returns the handler of a declared function, which checks the event and the return value. Throws `InvalidInputError` without a handler. */
export function toHandler({ name, input, output, handler }: TypedFunction<unknown, unknown>) {
  if (handler === undefined) throw new InvalidInputError({ field: `function ${name}`, problem: 'has no handler' });
  return async (event: unknown, context: Parameters<typeof handler>[1]): Promise<unknown> => {
    // A refused event is not retried: no later attempt could accept it. A refused return value is.
    const returned = await handler(input === undefined ? event : parseInput(input, event, 'the event'), context);
    return output === undefined ? returned : parseReturned(output, returned);
  };
}

function parseReturned(output: z.ZodType, returned: unknown): unknown {
  const parsed = output.safeParse(returned);
  if (parsed.success) return parsed.data;
  throw new Error(`the return value is not valid: ${problemsOf(parsed.error)}`, { cause: parsed.error });
}

/** Checks and converts an event by the function's schema. Throws `InvalidInputError`. */
export function checkEvent<Input>(target: string | TypedFunction<Input, unknown>, event: Input): Input {
  if (typeof target === 'string' || target.input === undefined) return event;
  return parseInput(target.input, event, `the event for ${target.name}`);
}
