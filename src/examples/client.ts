import { z } from 'zod';
import { connectClient, defineFunction, startWorker } from '#src/client/client.ts';

/**
 * A typed function in a process of your own. A worker in this process runs the function, and a client invokes it through NATS.
 *
 * Start Sequent, then run: NATS_NKEY=.sequent/nats/sequent.nk npx tsx src/examples/client.ts nats://127.0.0.1:4222
 */
const servers = process.argv[2] ?? process.env.NATS_URL ?? 'nats://127.0.0.1:4222';

const price = defineFunction({
  name: 'price',
  description: 'a typed function that a worker of your own runs',
  input: z.object({ item: z.string(), count: z.number().int().positive() }),
  output: z.object({ item: z.string(), total: z.number() }),
  policy: { maxRetries: 2 },
  handler: ({ item, count }, { attempt }) => {
    if (attempt === 1 && count > 10) throw new Error('large orders are priced on the second attempt');
    return { item, total: count * 4.5 };
  },
});

await using _worker = await startWorker({ servers, functions: [price] });
await using client = await connectClient({ servers });

const one = await client.invoke(price, { item: 'tea', count: 2 });
const { value } = await one.result();
process.stdout.write(`${one.requestId} succeeded: ${value?.item} costs ${value?.total}\n`);

const many = await client.invokeMany(price, [
  { item: 'rice', count: 3 },
  { item: 'beans', count: 12 },
]);
for (const invoked of many) {
  const { outcome, envelope } = await invoked.result();
  const attempts = envelope.request_context.approximate_invoke_count;
  process.stdout.write(`${invoked.requestId} ${outcome} after ${attempts} attempt(s): ${envelope.response_payload}\n`);
}
