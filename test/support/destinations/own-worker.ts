import { defineFunction, startWorker } from '#src/client/client.ts';
import { systemClock } from '#src/core/ports/clock.ts';

/*
 * A worker in the user's own process, for tests that kill it: every success of `first` invokes `second`.
 *
 * Argument: the address of NATS.
 */

const second = defineFunction({ name: 'second', concurrency: 100, handler: () => 'done' });
const first = defineFunction({
  name: 'first',
  concurrency: 100,
  policy: { onSuccess: [{ destination: 'FunctionGraph', param: { func_urn: 'second' } }] },
  // Some executions are in progress at any moment.
  handler: async ({ ms }: { ms: number }) => await systemClock.sleep(ms),
});
await startWorker({ servers: process.argv[2] ?? '', functions: [second, first], leaseInMs: 1_500 });
process.stdout.write('sequent ready: a worker of the user\n');
