import { messageOf } from '#src/core/errors.ts';
import { systemClock } from '#src/core/ports/clock.ts';
import { ServerStartError } from './errors.ts';
import { createServerFiles, type Fsync, readRecord, type ServerFiles, urlOf } from './files.ts';
import { isPortFree, type LiveServer, launchServer, waitUntilReady } from './launch.ts';
import { withLock } from './lock.ts';
import { endServer, isRunning, serversWith } from './processes.ts';
import { countTethers, openTether, type Tether } from './tether.ts';

/*
 * The NATS server of a data folder: started, watched, shared, stopped.
 *
 * N-1  At most one nats-server runs on a data folder. Who starts or stops one holds the folder's lock, and looks among all
 *      processes first, so that one is found whatever was killed before it could be written down.
 * N-2  Every Sequent on the folder holds a tether to the server. Whoever sees it break restarts the server, on the same port.
 * N-3  Who stops and is the last on a tether ends the server; who is not leaves it to the others.
 */

/** The server is gone; it is back on the same address, restarted by this Sequent or another; a try failed, and the next follows. */
export type ServerEvent =
  | { type: 'exited'; pid: number }
  | { type: 'restarted'; pid: number; url: string }
  | { type: 'restart-failed'; why: string };

export type StartServerOptions = {
  bin: string;
  dataDir: string;
  fsync: Fsync;
  /** Where to listen on the first start; later ones listen where the last one did. Any free port when it is taken. */
  port?: number;
  onEvent?: (event: ServerEvent) => void;
  /** Gives up starting. */
  signal?: AbortSignal;
};

export interface EmbeddedServer {
  readonly url: string;
  readonly pid: number;
  readonly version: string;
  readonly monitorUrl: string;
  /** What it runs with: an adopted server may have been started with something else than was asked for. */
  readonly fsync: Fsync;
  /** Whether it was running already: started by another Sequent, or left behind by one that was killed. */
  readonly adopted: boolean;
  /** Ends the server, unless another Sequent uses it too. SIGTERM first, SIGKILL after ten seconds. */
  stop(): Promise<void>;
}

const FIRST_START_TRIES = 3;
const LONGEST_BACKOFF_IN_MS = 2_000;
const STABLE_AFTER_MS = 5_000;
const READY_WITHIN_MS = 60_000;

/** Starts the NATS server of a data folder, or joins the one that runs there already. Throws `ServerStartError`. */
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
  #heldSince = 0;
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

  async start(): Promise<void> {
    const tether = await withLock(this.#files.folder, async () => {
      const found = await this.#adopt();
      this.adopted = found !== undefined;
      return await this.#hold(found ?? (await this.#launchFirst()));
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

  /** The server that runs on the folder already. One with another durability is replaced if nobody else uses it. */
  async #adopt(): Promise<LiveServer | undefined> {
    const [pid] = await serversWith(this.#files.config);
    if (pid === undefined) return undefined;
    const { signal, dataDir, fsync } = this.#options;
    let live: LiveServer;
    try {
      live = await waitUntilReady(this.#files, pid, { signal, readyWithinMs: READY_WITHIN_MS });
    } catch (cause) {
      // It ended meanwhile: then the folder is free.
      if (!(await isRunning(pid, this.#files.config))) return undefined;
      throw new ServerStartError({ dataDir, why: `process ${pid} runs on it already, and ${messageOf(cause)}` }, { cause });
    }
    if (live.fsync === fsync || (await countTethers(live.monitorUrl)) > 0) return live;
    await endServer(live.pid, this.#files.config);
    return undefined;
  }

  async #launchFirst(): Promise<LiveServer> {
    const { signal } = this.#options;
    const wanted = [readRecord(this.#files)?.port, this.#options.port].filter((port) => port !== undefined);
    for (let tries = 1; ; tries++) {
      // Between the look and the server's own listen another program may take the port: look again.
      const free = await firstFree(wanted);
      try {
        return await this.#launch(free, signal);
      } catch (error) {
        if (free === undefined || tries === FIRST_START_TRIES || signal?.aborted || (await isPortFree(free))) throw error;
      }
    }
  }

  async #launch(port: number | undefined, signal: AbortSignal | undefined): Promise<LiveServer> {
    const { bin, fsync } = this.#options;
    return await launchServer(this.#files, { bin, fsync, port, signal, detached: true, readyWithinMs: READY_WITHIN_MS });
  }

  /** A connection that closed a moment ago may still be listed, so a yes is asked for twice. */
  async #isShared(monitorUrl: string): Promise<boolean> {
    for (let asked = 1; asked <= 2; asked++) {
      // Who does not answer is used by nobody.
      const tethers = await countTethers(monitorUrl).catch(() => 0);
      if (tethers <= 1) return false;
      await systemClock.sleep(100);
    }
    return true;
  }

  async #hold(live: LiveServer): Promise<Tether> {
    this.#live = live;
    this.#tether = await openTether(live.port);
    this.#heldSince = Date.now();
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
    // A server that fell soon after its start is given more time before the next.
    this.#backoffInMs = Date.now() - this.#heldSince > STABLE_AFTER_MS ? 0 : longer(this.#backoffInMs);
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
    // Who waited for the lock may be told to stop meanwhile, and must not start what nobody would end.
    if (signal.aborted) return undefined;
    return await this.#hold((await this.#adopt()) ?? (await this.#launch(this.#server.port, signal)));
  }
}

function longer(backoffInMs: number): number {
  return Math.min(Math.max(backoffInMs * 2, 100), LONGEST_BACKOFF_IN_MS);
}

async function firstFree(ports: readonly number[]): Promise<number | undefined> {
  for (const port of ports) if (await isPortFree(port)) return port;
  return undefined;
}
