import { defineFunction, startWorker } from '#src/client/client.ts';
import { systemClock } from '#src/core/ports/clock.ts';

/*
 * A worker as a user writes one, in a process of its own, for killing it: `first` tells `second` of every success.
 *
 * Argument: the address of NATS.
 */

const second = defineFunction({ name: 'second', concurrency: 100, handler: () => 'told' });
const first = defineFunction({
  name: 'first',
  concurrency: 100,
  policy: { onSuccess: [{ destination: 'FunctionGraph', param: { func_urn: 'second' } }] },
  // So that some are under way at any moment.
  handler: async ({ ms }: { ms: number }) => await systemClock.sleep(ms),
});
await startWorker({ servers: process.argv[2] ?? '', functions: [second, first], leaseInMs: 1_500 });
process.stdout.write('sequent ready: a worker of the user\n');
