import { readFileSync } from 'node:fs';
import { defineFunction, startWorker } from '#src/client/client.ts';
import { silentLogger } from '#src/core/ports/logger.ts';
import { startRoles } from '#src/main/roles/roles.ts';
import { openConnection } from '#src/nats/transport/connection/connection.ts';

/*
 * The measured process: worker, scheduler and destinations, as `sequent serve` runs them, and a worker with an inline handler.
 * Prints `ready`, and its memory and processor time for every line of stdin.
 */

const servers = process.env.NATS_URL ?? '';
/** The file with the keys of encryption; none by default. */
const keyFile = process.env.BENCH_ENCRYPTION_KEY;
const encryption = keyFile === undefined ? {} : { encryptionKey: { file: keyFile } };
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
  ...encryption,
});
const inline = defineFunction({ name: 'echo-inline', concurrency: 512, handler: (event: unknown) => event });
const onSuccess = (name: string) => ({ policy: { onSuccess: [{ destination: 'FunctionGraph' as const, param: { func_urn: name } }] } });
const chain = defineFunction({ ...onSuccess('second-inline'), name: 'chain-inline', concurrency: 512, handler: (event: unknown) => event });
// Like `second` of `echo.mjs`: returns the result of the first function, so that both executions return the same amount.
const second = defineFunction({
  name: 'second-inline',
  concurrency: 512,
  handler: ({ response_payload }: { response_payload: string }) => response_payload,
});
const keys = keyFile === undefined ? {} : { encryptionKeys: readFileSync(keyFile, 'utf8') };
const worker = await startWorker({ servers, functions: [inline, chain, second], ...keys });
await roles.registry.put({
  name: 'echo-process',
  handler: { kind: 'process', file: new URL('./load/echo.mjs', import.meta.url).pathname },
  concurrency: 512,
});
await roles.registry.put({
  name: 'second-process',
  handler: { kind: 'process', file: new URL('./load/echo.mjs', import.meta.url).pathname, export: 'second' },
  concurrency: 512,
});
await roles.registry.put({
  ...onSuccess('second-process'),
  name: 'chain-process',
  handler: { kind: 'process', file: new URL('./load/echo.mjs', import.meta.url).pathname },
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
