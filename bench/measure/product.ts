import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** All roles, as `npm start` runs them, on a server that the caller started. */
export interface Product extends AsyncDisposable {
  readonly pid: number;
  /** The address of its gateway. */
  readonly http: string;
  /** Ends the process by SIGKILL and starts it again. Resolves when it is ready, to the milliseconds that took. */
  restart(): Promise<number>;
}

const entry = new URL('../../src/main/sequent.mjs', import.meta.url).pathname;
/** The flags of `npm start`. `BENCH_NODE_FLAGS` adds some, such as `--cpu-prof`. */
const flags = ['--max-semi-space-size=64', '--no-allocation-site-pretenuring', ...(process.env.BENCH_NODE_FLAGS?.split(' ') ?? [])];

/** `options` are further options of `sequent serve`, and `nodeFlags` those of Node.js. */
export async function startProduct(servers: string, options: readonly string[] = [], nodeFlags: readonly string[] = []): Promise<Product> {
  const folder = await mkdtemp(join(tmpdir(), 'sequent-bench-'));
  const args = [...flags, ...nodeFlags, entry, 'serve', '--server', servers, '--http-port', '0', '--output', 'json', ...options];
  let { child, http } = await start(args, folder);
  return {
    get pid() {
      return child.pid ?? 0;
    },
    get http() {
      return http;
    },
    async restart() {
      child.kill('SIGKILL');
      await once(child, 'exit');
      const startedAt = performance.now();
      ({ child, http } = await start(args, folder));
      return performance.now() - startedAt;
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      await once(child, 'exit');
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function start(args: readonly string[], folder: string): Promise<{ child: ChildProcess; http: string }> {
  const child = spawn(process.execPath, args, {
    env: { ...process.env, SEQUENT_DATA: folder, SEQUENT_LOG_LEVEL: 'warn' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  for await (const line of createInterface(child.stdout)) {
    const ready = /^sequent ready (\{.*\})$/.exec(line)?.[1];
    if (ready === undefined) continue;
    child.stdout.resume();
    return { child, http: (JSON.parse(ready) as { http: string }).http };
  }
  throw new Error('the product ended before it was ready');
}
