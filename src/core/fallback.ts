/**
 * Handles a rejection, as the argument of `catch`: an error of these kinds becomes `value`, and every other error is thrown again.
 *
 * @example `await client.timeline(id).catch(fallback(undefined, InvocationNotFoundError))`
 */
export function fallback<Value>(value: Value, ...kinds: readonly (abstract new (...args: never[]) => Error)[]): (error: unknown) => Value {
  return (error) => {
    if (kinds.some((kind) => error instanceof kind)) return value;
    throw error;
  };
}
