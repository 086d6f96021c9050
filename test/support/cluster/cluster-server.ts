import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '#src/core/ports/clock.ts';
import type { Fsync } from '#src/main/nats-server/files.ts';

export type ClusterServerOptions = {
  bin: string;
  name: string;
  folder: string;
  ports: { client: number; cluster: number; monitor: number };
  /** The port at which clients reach the server through a proxy. */
  advertised: number;
  /** The ports at which this server reaches the others through proxies. */
  routes: readonly number[];
  /** How long an acknowledged message may wait for its fsync; 100 ms by default. */
  fsync?: Fsync | undefined;
  /** The part of the configuration with the users; without it, the server asks for none. */
  users?: string | undefined;
};

/** One nats-server of a cluster, which a test can kill, end, pause and start again. */
export class ClusterServer {
  readonly name: string;
  /** Holds the store, the configuration and the log of the server. */
  readonly folder: string;
  readonly #options: ClusterServerOptions;
  #process: ChildProcess | undefined;

  constructor(options: ClusterServerOptions) {
    this.name = options.name;
    this.folder = options.folder;
    this.#options = options;
    mkdirSync(options.folder, { recursive: true });
    writeFileSync(join(options.folder, 'nats-server.conf'), configOf(options));
  }

  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  start(): void {
    const { bin, folder } = this.#options;
    const log = openSync(join(folder, 'nats-server.log'), 'a');
    this.#process = spawn(bin, ['-c', join(folder, 'nats-server.conf')], { stdio: ['ignore', log, log] });
    closeSync(log);
  }

  /** SIGKILL or SIGTERM. Resolves when the process has ended. */
  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const running = this.#process;
    this.#process = undefined;
    if (running === undefined || running.exitCode !== null || running.signalCode !== null) return;
    const exited = once(running, 'exit');
    running.kill('SIGCONT');
    running.kill(signal);
    await exited;
  }

  /** Ends the server, and removes what it stored. */
  async forget(): Promise<void> {
    await this.end('SIGKILL');
    await rm(join(this.folder, 'jetstream'), { recursive: true, force: true });
  }

  pause(): void {
    this.#process?.kill('SIGSTOP');
  }

  resume(): void {
    this.#process?.kill('SIGCONT');
  }

  /** Asks the monitoring endpoint. `undefined` without an answer within two seconds, or with an answer that is an error. */
  async ask<Answer>(path: string): Promise<Answer | undefined> {
    try {
      const response = await fetch(`http://127.0.0.1:${this.#options.ports.monitor}${path}`, { signal: AbortSignal.timeout(2_000) });
      return response.ok ? ((await response.json()) as Answer) : undefined;
    } catch {
      return undefined;
    }
  }

  /** Resolves when the server has a route to each other server, and holds every stream up to date. */
  async healthy(withinMs = 180_000): Promise<void> {
    const deadline = performance.now() + withinMs;
    for (;;) {
      const isOk = (await this.ask<{ status: string }>('/healthz'))?.status === 'ok';
      const routes = (await this.ask<{ routes?: { remote_name: string }[] }>('/routez'))?.routes ?? [];
      if (isOk && new Set(routes.map(({ remote_name }) => remote_name)).size === this.#options.routes.length) return;
      if (performance.now() > deadline) throw new Error(`${this.name} is not healthy after ${withinMs} ms`);
      await systemClock.sleep(50);
    }
  }
}

/**
 * The servers neither advertise themselves nor each other, so that every connection passes a proxy. The advertised address of the cluster
 * port leads nowhere, because a server would otherwise connect to a server that it heard of.
 */
function configOf({ name, folder, ports, advertised, routes, fsync = '100ms', users = '' }: ClusterServerOptions): string {
  return [
    `server_name: "${name}"`,
    `listen: "127.0.0.1:${ports.client}"`,
    `client_advertise: "127.0.0.1:${advertised}"`,
    `http: "127.0.0.1:${ports.monitor}"`,
    `jetstream { store_dir: "${folder}"${fsync === 'default' ? '' : `, sync_interval: "${fsync}"`} }`,
    'cluster {',
    '  name: "storm"',
    `  listen: "127.0.0.1:${ports.cluster}"`,
    '  advertise: "127.0.0.1:1"',
    '  no_advertise: true',
    '  pool_size: 1',
    `  routes: [${routes.map((port) => `"nats://127.0.0.1:${port}"`).join(', ')}]`,
    '}',
    users,
    process.env.NATS_SERVER_CONFIG === undefined ? '' : readFileSync(process.env.NATS_SERVER_CONFIG, 'utf8'),
  ].join('\n');
}
