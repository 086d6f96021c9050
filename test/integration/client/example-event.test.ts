import { describe, expect } from 'vitest';
import { z } from 'zod';
import { connectClient, defineFunction, startWorker } from '#src/client/client.ts';
import { test } from '#test/support/fixtures.ts';

describe('the example event of a function in its own process', () => {
  test('follows the zod schema that the function declares', async ({
    server,
    // Creates the streams of JetStream.
    nats: _,
  }) => {
    await using client = await connectClient({ servers: server.url });
    const exampleWith = async (input: z.ZodType | undefined): Promise<string | undefined> => {
      const declared = defineFunction({ name: 'declared', ...(input === undefined ? {} : { input }), handler: () => 1 });
      await using _worker = await startWorker({ servers: server.url, functions: [declared] });
      return await client.functions.testEvents.example('declared');
    };
    expect(await exampleWith(z.object({ item: z.string(), count: z.int().positive() }))).toBe('{"item":"text","count":1}');
    expect(await exampleWith(z.object({ item: z.literal('tea') }))).toBe('{"item":"tea"}');
    expect(await exampleWith(undefined)).toBeUndefined();
  });
});
