import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureServer } from '#src/main/nats-server/fetch.ts';
import { createServerFiles, type Fsync, type ServerFiles, urlOf } from '#src/main/nats-server/files.ts';
import { type LiveServer, launchServer } from '#src/main/nats-server/launch.ts';
import { endServer, isRunning } from '#src/main/nats-server/processes.ts';
import { freePort } from '#test/support/free-port.ts';

/** A real nats-server for one test, with a store of its own, which the test can kill, end, pause and restart. */
export interface TestServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  readonly monitorUrl: string;
  /** The folder that holds its store, configuration and log. */
  readonly dataDir: string;
  /** SIGKILL. Resolves when the process has ended. */
  kill(): Promise<void>;
  /** SIGTERM. Resolves when the process has ended. The store is kept. */
  end(): Promise<void>;
  /** SIGSTOP. From the return of this call, the server keeps its connections and answers nothing. */
  pause(): void;
  /** SIGCONT. */
  resume(): void;
  /** Starts the server again after `kill` or `end`, with the same store and port. */
  restart(): Promise<void>;
}

/** `parent`: the folder of the store, by default one for temporary files. */
export async function startTestServer({
  fsync = '100ms',
  parent = tmpdir(),
}: {
  fsync?: Fsync;
  parent?: string;
} = {}): Promise<TestServer> {
  const dataDir = await mkdtemp(join(parent, 'sequent-test-'));
  const files = createServerFiles(dataDir);
  const { bin } = await ensureServer();
  const port = await freePort();
  let live = await launchServer(files, { bin, fsync, port, detached: false });

  return {
    url: urlOf(port),
    port,
    dataDir,
    get pid() {
      return live.pid;
    },
    get monitorUrl() {
      return live.monitorUrl;
    },
    async kill() {
      process.kill(live.pid, 'SIGKILL');
      await endServer(live.pid, files.config);
    },
    end: () => endServer(live.pid, files.config),
    pause: () => stopProcess(live.pid),
    resume: () => void process.kill(live.pid, 'SIGCONT'),
    async restart() {
      live = await launchServer(files, { bin, fsync, port, detached: false });
    },
    async [Symbol.asyncDispose]() {
      await killQuietly(live, files);
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** Works for a paused server and for one that has ended, too. */
async function killQuietly({ pid }: LiveServer, files: ServerFiles): Promise<void> {
  if (!(await isRunning(pid, files.config))) return;
  process.kill(pid, 'SIGKILL');
  await endServer(pid, files.config);
}

/** Returns when every thread has stopped: a thread on another processor runs on for a moment after the signal. */
function stopProcess(pid: number): void {
  process.kill(pid, 'SIGSTOP');
  const threads = `/proc/${pid}/task`;
  const hasStopped = () => !existsSync(threads) || readdirSync(threads).every((thread) => isStopped(`${threads}/${thread}/stat`));
  // Ends only a hang: a thread that waits for the disk stops after the wait.
  const deadline = performance.now() + 30_000;
  for (let isLate = false; !hasStopped(); isLate = performance.now() > deadline)
    if (isLate) throw new Error(`process ${pid} did not stop within 30 seconds`);
}

function isStopped(stat: string): boolean {
  return /\) T/.test(readFileSync(stat, 'utf8'));
}
