import { existsSync } from 'node:fs';
import { messageOf } from '#src/core/errors.ts';
import { systemClock } from '#src/core/ports/clock.ts';
import { type Anonymous, ensureKey } from './access.ts';
import { ServerStartError } from './errors.ts';
import { createServerFiles, type Fsync, readRecord, type ServerFiles, urlOf } from './files.ts';
import { isPortFree, type LiveServer, launchServer, waitUntilReady } from './launch.ts';
import { withLock } from './lock.ts';
import { endServer, isRunning, serversWith, untilEnded } from './processes.ts';
import { countTethers, openTether, type Tether } from './tether.ts';

/*
 * The NATS server of a data folder: started, watched, shared, stopped.
 *
 * N-1  At most one nats-server runs on a data folder. A process that starts or stops one holds the folder's lock, and searches
 *      all processes first. The search finds a server whose starter was killed before it wrote the record.
 * N-2  Every Sequent process on the folder holds a tether to the server. A process whose tether breaks restarts the server, on
 *      the same port.
 * N-3  A process that stops ends the server when its tether is the last one. Otherwise the server keeps running.
 */

/**
 * `exited`: the server ended. `restarted`: this or another Sequent process restarted the server on the same address.
 * `restart-failed`: one restart failed, and the next follows.
 */
export type ServerEvent =
  | { type: 'exited'; pid: number }
  | { type: 'restarted'; pid: number; url: string }
  | { type: 'restart-failed'; why: string };

export type StartServerOptions = {
  bin: string;
  dataDir: string;
  fsync: Fsync;
  /** Whether clients without credentials may publish requests and hear results; `on` by default. */
  anonymous?: Anonymous;
  /** The port of the first start; a later start takes the port of the last one. Any free port when the port is taken. */
  port?: number;
  onEvent?: (event: ServerEvent) => void;
  /** Aborts the start. */
  signal?: AbortSignal;
};

export interface EmbeddedServer {
  readonly url: string;
  readonly pid: number;
  readonly version: string;
  readonly monitorUrl: string;
  /** The file with the seed of Sequent's user. */
  readonly keyFile: string;
  /** The setting that the server runs with. An adopted server may have another one than the options. */
  readonly fsync: Fsync;
  /** Whether the server was already running: shared with another Sequent process, or left by one that was killed. */
  readonly adopted: boolean;
  /** Ends the server, unless another Sequent process uses it. SIGTERM first, SIGKILL after ten seconds. */
  stop(): Promise<void>;
}

const FIRST_START_TRIES = 3;
const LONGEST_BACKOFF_IN_MS = 2_000;
const STABLE_AFTER_MS = 5_000;
const READY_WITHIN_MS = 60_000;

/** Starts the NATS server of a data folder, or adopts the running one. Throws `ServerStartError`. */
export async function startServer(options: StartServerOptions): Promise<EmbeddedServer> {
  const supervisor = new Supervisor(createServerFiles(options.dataDir), options);
  await supervisor.start();
  return supervisor;
}

class Supervisor implements EmbeddedServer {
  readonly #files: ServerFiles;
  readonly #options: StartServerOptions;
  readonly #stopping = new AbortController();
  #live: LiveServer | undefined;
  #tether: Tether | undefined;
  #watching: Promise<void> = Promise.resolve();
  #stopped: Promise<void> | undefined;
  #tetheredAt = 0;
  #backoffInMs = 0;
  adopted = false;

  constructor(files: ServerFiles, options: StartServerOptions) {
    this.#files = files;
    this.#options = options;
  }

  get url(): string {
    return urlOf(this.#server.port);
  }
  get pid(): number {
    return this.#server.pid;
  }
  get version(): string {
    return this.#server.version;
  }
  get monitorUrl(): string {
    return this.#server.monitorUrl;
  }
  get fsync(): Fsync {
    return this.#server.fsync;
  }
  get keyFile(): string {
    return this.#files.key;
  }

  async start(): Promise<void> {
    const tether = await withLock(this.#files.folder, async () => {
      const found = await this.#adopt();
      this.adopted = found !== undefined;
      return await this.#attach(found ?? (await this.#launchFirst()));
    });
    this.#watching = this.#watch(tether);
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    this.#stopping.abort();
    await withLock(this.#files.folder, async () => {
      const { pid, monitorUrl } = this.#server;
      if (!(await this.#isShared(monitorUrl))) await endServer(pid, this.#files.config);
    }).finally(() => this.#tether?.close());
    await this.#watching;
  }

  get #server(): LiveServer {
    if (this.#live === undefined) throw new Error('the server was not started yet');
    return this.#live;
  }

  /**
   * The server that runs on the folder. A server with another durability or other users is ended if no other process uses it. After
   * `undefined`, the port of the last server is not taken by that server any more.
   */
  async #adopt(): Promise<LiveServer | undefined> {
    const [pid] = await serversWith(this.#files.config);
    if (pid === undefined) {
      const last = readRecord(this.#files)?.pid;
      if (last !== undefined) await untilEnded(last);
      return undefined;
    }
    const { signal, dataDir, fsync, anonymous = 'on' } = this.#options;
    let live: LiveServer;
    try {
      live = await waitUntilReady(this.#files, pid, { signal, readyWithinMs: READY_WITHIN_MS });
    } catch (cause) {
      if (await isRunning(pid, this.#files.config))
        throw new ServerStartError({ dataDir, why: `process ${pid} runs on it already, and ${messageOf(cause)}` }, { cause });
      // The server ended during the wait, so the folder is free.
      await untilEnded(pid);
      return undefined;
    }
    const hasUsers = live.anonymous === anonymous && live.hasResponders && live.hasAccounts && existsSync(this.#files.key);
    if ((live.fsync === fsync && hasUsers) || (await countTethers(live.monitorUrl)) > 0) return live;
    await endServer(live.pid, this.#files.config);
    return undefined;
  }

  async #launchFirst(): Promise<LiveServer> {
    const { signal } = this.#options;
    const wanted = [readRecord(this.#files)?.port, this.#options.port].filter((port) => port !== undefined);
    for (let tries = 1; ; tries++) {
      // Another program may take the port between this check and the start of the server, also only for a moment, as the local
      // end of a connection. The loop then checks again, and the last try takes any port.
      const free = tries === FIRST_START_TRIES ? undefined : await firstFree(wanted);
      try {
        return await this.#launch(free, signal);
      } catch (error) {
        if (free === undefined || signal?.aborted || !messageOf(error).includes('address already in use')) throw error;
      }
    }
  }

  async #launch(port: number | undefined, signal: AbortSignal | undefined): Promise<LiveServer> {
    const { bin, fsync, anonymous = 'on' } = this.#options;
    const { key, respondersKey } = this.#files;
    const access = { publicKey: ensureKey(key).publicKey, respondersKey: ensureKey(respondersKey).publicKey, anonymous };
    return await launchServer(this.#files, { bin, fsync, access, port, signal, detached: true, readyWithinMs: READY_WITHIN_MS });
  }

  /** The server may still list a connection that just closed. A positive answer is therefore checked again. */
  async #isShared(monitorUrl: string): Promise<boolean> {
    for (let checks = 1; checks <= 2; checks++) {
      // A server that does not answer has no users.
      const tethers = await countTethers(monitorUrl).catch(() => 0);
      if (tethers <= 1) return false;
      await systemClock.sleep(100);
    }
    return true;
  }

  async #attach(live: LiveServer): Promise<Tether> {
    this.#live = live;
    this.#tether = await openTether(live.port, ensureKey(this.#files.key).seed);
    this.#tetheredAt = performance.now();
    return this.#tether;
  }

  async #watch(tether: Tether): Promise<void> {
    let current: Tether | undefined = tether;
    while (current !== undefined) {
      await current.closed;
      if (this.#stopping.signal.aborted) return;
      this.#options.onEvent?.({ type: 'exited', pid: this.#server.pid });
      current = await this.#restore();
    }
  }

  async #restore(): Promise<Tether | undefined> {
    const { signal } = this.#stopping;
    // A server that ended soon after its start is restarted after a longer pause.
    this.#backoffInMs = performance.now() - this.#tetheredAt > STABLE_AFTER_MS ? 0 : longer(this.#backoffInMs);
    for (; !signal.aborted; this.#backoffInMs = longer(this.#backoffInMs)) {
      await systemClock.sleep(this.#backoffInMs, signal);
      try {
        const tether = await withLock(this.#files.folder, () => this.#relaunch(signal));
        if (tether !== undefined) this.#options.onEvent?.({ type: 'restarted', pid: this.pid, url: this.url });
        return tether;
      } catch (error) {
        if (!signal.aborted) this.#options.onEvent?.({ type: 'restart-failed', why: messageOf(error) });
      }
    }
    return undefined;
  }

  async #relaunch(signal: AbortSignal): Promise<Tether | undefined> {
    // A process that stopped while it waited for the lock must not start a server, because no process would end it.
    if (signal.aborted) return undefined;
    return await this.#attach((await this.#adopt()) ?? (await this.#launch(this.#server.port, signal)));
  }
}

function longer(backoffInMs: number): number {
  return Math.min(Math.max(backoffInMs * 2, 100), LONGEST_BACKOFF_IN_MS);
}

async function firstFree(ports: readonly number[]): Promise<number | undefined> {
  for (const port of ports) if (await isPortFree(port)) return port;
  return undefined;
}
