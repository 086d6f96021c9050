import { defineFunction, startWorker } from '#src/client/client.ts';
import { silentLogger } from '#src/core/ports/logger.ts';
import { startRoles } from '#src/main/roles/roles.ts';
import { openConnection } from '#src/nats/transport/connection.ts';

/*
 * The measured process: worker, scheduler and destinations, as `sequent serve` runs them, and a worker with an inline handler.
 * Prints `ready`; tells its memory and processor time for every line it reads.
 */

const servers = process.env.NATS_URL ?? '';
const roles = await startRoles({
  connection: await openConnection({ servers, name: 'bench' }),
  roles: ['worker', 'scheduler', 'destinations'],
  topology: { replicas: 1, resultsStorage: process.env.BENCH_RESULTS === 'memory' ? 'memory' : 'file', resultsMaxAgeInMs: 3_600_000 },
  leaseInMs: 15_000,
  patienceInMs: 5_000,
  maxHops: 16,
  maxChain: 1_000,
  tenancy: { region: 'local', project: 'default' },
  logger: silentLogger,
});
const inline = defineFunction({ name: 'echo-inline', concurrency: 512, handler: (event: unknown) => event });
const told = (name: string) => ({ policy: { onSuccess: [{ destination: 'FunctionGraph' as const, param: { func_urn: name } }] } });
const chain = defineFunction({ ...told('told-inline'), name: 'chain-inline', concurrency: 512, handler: (event: unknown) => event });
// As `told` of `echo.mjs`: the second of a chain returns as much as the first, so that executions are compared that return as much.
const second = defineFunction({
  name: 'told-inline',
  concurrency: 512,
  handler: ({ response_payload }: { response_payload: string }) => response_payload,
});
const worker = await startWorker({ servers, functions: [inline, chain, second] });
await roles.registry.put({
  name: 'echo-process',
  handler: { kind: 'process', file: new URL('./echo.mjs', import.meta.url).pathname },
  concurrency: 512,
});
await roles.registry.put({
  name: 'told-process',
  handler: { kind: 'process', file: new URL('./echo.mjs', import.meta.url).pathname, export: 'told' },
  concurrency: 512,
});
await roles.registry.put({
  ...told('told-process'),
  name: 'chain-process',
  handler: { kind: 'process', file: new URL('./echo.mjs', import.meta.url).pathname },
  concurrency: 512,
});
process.stdout.write('ready\n');
process.stdin.on('data', () => {
  globalThis.gc?.();
  const { user, system } = process.cpuUsage();
  process.stdout.write(`${JSON.stringify({ rss: process.memoryUsage.rss(), cpuInUs: user + system })}\n`);
});
process.stdin.on('end', async () => {
  await worker.stop(1_000);
  await roles.stop(1_000);
});
