import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '#src/core/ports/clock.ts';
import { ensureServer } from '#src/main/nats-server/fetch.ts';
import { createServerFiles, writeRecord, writeServerConfig } from '#src/main/nats-server/files.ts';
import { waitUntilReady } from '#src/main/nats-server/launch.ts';
import { endServer } from '#src/main/nats-server/processes.ts';

/** A real nats-server with JetStream, and with lines that a test adds to its configuration. */
export interface ConfiguredServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** Replaces the added lines. Resolves when the server has applied them, without a restart: meanwhile it may refuse a user that connects. */
  change(addition: string): Promise<void>;
}

function reloadsOf({ log }: { log: string }): number {
  return readFileSync(log, 'utf8').split('Reloaded server configuration').length;
}

export async function startConfiguredServer(addition: string): Promise<ConfiguredServer> {
  const dataDir = await mkdtemp(join(tmpdir(), 'sequent-configured-'));
  const files = createServerFiles(dataDir);
  const write = (added: string, port?: number): void => {
    writeServerConfig(files, { fsync: '100ms', port });
    appendFileSync(files.config, added);
  };
  write(addition);
  writeRecord(files, { fsync: '100ms' });
  const { bin } = await ensureServer();
  const server = spawn(bin, ['-c', files.config], { stdio: 'ignore' });
  await once(server, 'spawn');
  const pid = server.pid ?? 0;
  const { port } = await waitUntilReady(files, pid, { readyWithinMs: 10_000 });

  return {
    url: `nats://127.0.0.1:${port}`,
    port,
    async change(changed) {
      const before = reloadsOf(files);
      write(changed, port);
      process.kill(pid, 'SIGHUP');
      while (reloadsOf(files) === before) await systemClock.sleep(5);
    },
    async [Symbol.asyncDispose]() {
      process.kill(pid, 'SIGKILL');
      await endServer(pid, files.config);
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
