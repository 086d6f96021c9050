import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** All roles, as `npm start` runs them, on a server that the caller started. */
export interface Product extends AsyncDisposable {
  readonly pid: number;
  /** Ends the process by SIGKILL and starts it again. Resolves when it is ready, to the milliseconds that took. */
  restart(): Promise<number>;
}

const entry = new URL('../src/main/sequent.mjs', import.meta.url).pathname;
/** The flags of `npm start`. `BENCH_NODE_FLAGS` adds some, such as `--cpu-prof`. */
const flags = ['--max-semi-space-size=64', '--no-allocation-site-pretenuring', ...(process.env.BENCH_NODE_FLAGS?.split(' ') ?? [])];

export async function startProduct(servers: string): Promise<Product> {
  const folder = await mkdtemp(join(tmpdir(), 'sequent-bench-'));
  let child = await start(servers, folder);
  return {
    get pid() {
      return child.pid ?? 0;
    },
    async restart() {
      child.kill('SIGKILL');
      await once(child, 'exit');
      const startedAt = performance.now();
      child = await start(servers, folder);
      return performance.now() - startedAt;
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      await once(child, 'exit');
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function start(servers: string, folder: string) {
  const child = spawn(process.execPath, [...flags, entry, 'serve', '--server', servers, '--http-port', '0'], {
    env: { ...process.env, SEQUENT_DATA: folder, SEQUENT_LOG_LEVEL: 'warn' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines = createInterface(child.stdout);
  for await (const line of lines) if (line.startsWith('sequent ready')) break;
  child.stdout.resume();
  return child;
}
