import { connectClient } from '#src/client/client.ts';

/** A durable subscriber of transitions in a process of its own: a line for each, written before it is acknowledged. */
const [url = '', durable = ''] = process.argv.slice(2);
const client = await connectClient({ servers: url });
for await (const { sequence, fact, ack } of client.transitions({ durable, from: 1, ackWaitInMs: 1_000 })) {
  await new Promise<void>((resolve) => process.stdout.write(`${sequence} ${fact.type} ${fact.invocation}\n`, () => resolve()));
  ack();
}
