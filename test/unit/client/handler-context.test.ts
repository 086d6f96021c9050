import { expect, expectTypeOf, test } from 'vitest';
import type { HandlerContext } from '#src/client/client.ts';
import { HandlerContext as RunningContext } from '#src/hosts/runtime/context.mjs';

test('the context that sequent-functions/client types has exactly what a running handler gets', () => {
  expectTypeOf<RunningContext>().toExtend<HandlerContext>();
  expectTypeOf<keyof HandlerContext>().toEqualTypeOf<keyof RunningContext>();
  const definition = { name: 'a', timeoutInMs: 1_000, memoryInMb: 128, userData: {} };
  const context: HandlerContext = new RunningContext(
    { definition, requestId: 'r', qualifier: 'latest', functionUrn: 'urn:fss:local:default:function:default:a:latest', attempt: 1 },
    () => {},
  );
  const methods = Object.getOwnPropertyNames(RunningContext.prototype).filter((name) => name.startsWith('get'));
  for (const name of methods) expect(typeof context[name as 'getToken']).toBe('function');
  // Compiled: a typed handler needs no cast.
  const typed = (_: unknown, { getLogger }: HandlerContext) => getLogger().info('a');
  expect(() => typed(undefined, context)).toThrow();
});
