import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { systemClock } from '#src/core/ports/clock.ts';
import { createServerFiles, urlOf, writeRecord } from '#src/main/nats-server/files.ts';
import { isPortFree } from '#src/main/nats-server/launch.ts';
import { withLock } from '#src/main/nats-server/lock.ts';
import { endServer } from '#src/main/nats-server/processes.ts';
import { freePort } from '#test/support/free-port.ts';
import { embeddedTest as test } from '#test/support/nats/embedded-fixtures.ts';

/** Linux takes so much memory from a process that ends for tens of milliseconds, and closes the files of the process afterwards. */
const HELD_BYTES = 1_024 * 1_024 * 1_024;

/** A process that looks like a nats-server with this configuration, holds much memory, and dies of SIGTERM. */
async function startLargeServer(config: string, port: number): Promise<ChildProcess & { pid: number }> {
  const code = `const held = Buffer.alloc(${HELD_BYTES}, 1);
require('node:net').createServer().listen(${port}, '127.0.0.1', () => console.log(held.length));`;
  const child = spawn(process.execPath, ['-e', code, '--', `-c ${config}`], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  return child as ChildProcess & { pid: number };
}

test('a server that was ended has given its port back', async ({ dataDir }) => {
  const { config } = createServerFiles(dataDir);
  const port = await freePort();
  const { pid } = await startLargeServer(config, port);
  await endServer(pid, config);
  expect(await isPortFree(port)).toBe(true);
});

test.skipIf(process.platform !== 'linux')('a start waits for the port of the last server, which is dying', async ({ dataDir, start }) => {
  const files = createServerFiles(dataDir);
  const port = await freePort();
  const { pid } = await startLargeServer(files.config, port);
  writeRecord(files, { fsync: '100ms', port, pid });
  await withLock(files.folder, async () => {});
  process.kill(pid, 'SIGKILL');
  while (readFileSync(`/proc/${pid}/cmdline`, 'utf8') !== '') await systemClock.sleep(1);
  expect((await start()).url).toBe(urlOf(port));
});
