import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { defineFunction } from '#src/client/worker/define-function.ts';
import { checkEvent, toHandler } from '#src/client/worker/handlers.ts';

const count = defineFunction({
  name: 'count',
  input: z.object({ count: z.number(), at: z.array(z.string()).optional() }),
  output: z.object({ total: z.number() }),
  handler: () => ({ total: 'two' as unknown as number }),
});

describe('a value that the schema of a function refuses', () => {
  test.for<[event: unknown, said: string]>([
    [{ count: 'two' }, 'count must be a number'],
    [{ count: 1, at: ['a', 1] }, 'at[1] must be a string'],
    ['two', 'it must be an object'],
  ])('is named in words before it is sent, and in the failed attempt: %j', async ([event, said]) => {
    expect(() => checkEvent(count, event as never)).toThrow(`the event for count is not valid: ${said}`);
    const handled = toHandler(count as never)(event, {} as never);
    await expect(handled).rejects.toMatchObject({ message: `the event is not valid: ${said}`, retryable: false });
  });

  test('is named in words when the handler returned it, and a retry may return another one', async () => {
    const handled = toHandler(count as never)({ count: 1 }, {} as never);
    const failure: unknown = await handled.catch((error: unknown) => error);
    expect(failure).toMatchObject({ message: 'the return value is not valid: total must be a number' });
    expect(failure).not.toHaveProperty('retryable');
  });
});
