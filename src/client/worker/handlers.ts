import type { z } from 'zod';
import { InvalidInputError } from '#src/core/errors.ts';
import type { TypedFunction } from './define-function.ts';

/** Returns the handler of a declared function, which checks the event and the return value. Throws `InvalidInputError` without a handler. */
export function toHandler({ name, input, output, handler }: TypedFunction<unknown, unknown>) {
  if (handler === undefined) throw new InvalidInputError({ field: `function ${name}`, problem: 'has no handler' });
  return async (event: unknown, context: Parameters<typeof handler>[1]): Promise<unknown> => {
    const returned = await handler(input === undefined ? event : acceptedBy(input, event), context);
    return output === undefined ? returned : output.parse(returned);
  };
}

/** The event as the schema of the function converts it. A refused event is not retried: no later attempt could accept it. */
function acceptedBy(input: z.ZodType, event: unknown): unknown {
  const parsed = input.safeParse(event);
  if (parsed.success) return parsed.data;
  throw Object.assign(parsed.error, { retryable: false });
}

/** Checks and converts an event by the function's schema. Throws `InvalidInputError`. */
export function checkEvent<Input>(target: string | TypedFunction<Input, unknown>, event: Input): Input {
  if (typeof target === 'string' || target.input === undefined) return event;
  const parsed = target.input.safeParse(event);
  if (parsed.success) return parsed.data;
  throw new InvalidInputError(
    { field: `the event for ${target.name}`, problem: `is not valid: ${parsed.error.message}` },
    { cause: parsed.error },
  );
}
