import { createInterface } from 'node:readline';
import { functionDefinitionSchema } from '#src/core/functions/definition.ts';
import type { Execution } from '#src/core/ports/function-host.ts';
import { createProcessHost } from '#src/hosts/pool/process-host.ts';

/*
 * The host of `npm run bench:nodejs-cost`, which copies this file into an earlier tree too: it uses what both have.
 *
 * Executes a function that does nothing as often as each line of standard input says, and then writes a line. Up to 100 executions wait at a time.
 */

const IN_FLIGHT = 100;
const handler = { kind: 'process', file: process.argv[2], export: 'noop' };
const definition = functionDefinitionSchema.parse({ name: 'noop', concurrency: 1, handler });
const host = createProcessHost();
let executions = 0;

for await (const line of createInterface(process.stdin)) {
  for (let left = Number(line); left > 0; left -= IN_FLIGHT)
    for (const { kind } of await Promise.all(Array.from({ length: IN_FLIGHT }, execute)))
      if (kind !== 'returned') throw new Error('an execution failed');
  process.stdout.write('done\n');
}
await host.close();

function execute() {
  const execution = {
    definition,
    version: 'latest',
    requestId: `request-${executions++}`,
    qualifier: 'latest',
    functionUrn: 'urn:fss:here:project:function:default:noop:latest',
    attempt: 1,
    payload: '{}',
  };
  return host.execute(execution as Execution, new AbortController().signal);
}
