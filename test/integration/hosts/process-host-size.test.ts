import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { ExecutionResult } from '#src/core/ports/function-host.ts';
import { createProcessHost } from '#src/hosts/pool/process-host.ts';
import { execute, processFunction, until } from '#test/support/hosts/executions.ts';
import { scratchFile } from '#test/support/hosts/scratch-file.ts';

/** How many executions of a function a worker runs at one moment by default. */
const CONCURRENCY = 20;

const pidsOf = (results: readonly ExecutionResult[]): Set<string> =>
  new Set(results.map((result) => (result.kind === 'returned' ? result.payload : JSON.stringify(result.failure))));

test('a function has a process for each execution that its worker runs at one moment', async () => {
  const host = createProcessHost();
  const definition = processFunction({ export: 'sleep' });
  expect(definition.concurrency).toBe(CONCURRENCY);
  const round = () => Promise.all(Array.from({ length: CONCURRENCY }, () => execute(host, definition, { inMs: 100 })));
  // On a busy machine a process may start only after a round. Each execution waits for less than a second.
  while (pidsOf(await round()).size < CONCURRENCY);
  await host.close();
});

test('a function has as many processes before any of its executions has ended', async () => {
  const host = createProcessHost();
  const [file, began] = [`${scratchFile()}.mjs`, scratchFile()];
  const action =
    "fs.appendFileSync(event.began, 'x'); while (!fs.existsSync(event.gate)) await new Promise((next) => setTimeout(next, 20));";
  writeFileSync(file, `import fs from 'node:fs'; export const handler = async (event) => { ${action} return process.pid; };`);
  const definition = processFunction({ file, export: 'handler' });
  const running = Array.from({ length: CONCURRENCY }, () => execute(host, definition, { began, gate: `${began}.gate` }));
  await until(() => existsSync(began) && readFileSync(began, 'utf8').length === CONCURRENCY, 'all of them run');
  writeFileSync(`${began}.gate`, '');
  expect(pidsOf(await Promise.all(running)).size).toBe(CONCURRENCY);
  await host.close();
});
