import { existsSync } from 'node:fs';
import { defineFunction, startWorker } from '#src/client/client.ts';

/*
 * A worker in the user's own process, whose handler computes without a pause until the file of its event exists: meanwhile the process extends no
 * lease and answers nothing.
 *
 * Argument: the address of NATS.
 */

const compute = defineFunction({
  name: 'compute',
  timeoutInMs: 600_000,
  handler: ({ gate }: { gate: string }) => {
    let rounds = 0;
    while (!existsSync(gate)) rounds++;
    return rounds > 0;
  },
});
await startWorker({ servers: process.argv[2] ?? '', functions: [compute], leaseInMs: 1_500 });
process.stdout.write('sequent ready: a worker that computes\n');
