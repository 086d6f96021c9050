import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type NatsError } from 'nats';
import { readLog } from '#src/judge/collect.ts';
import { ensureServer } from '#src/main/nats-server/fetch.ts';
import { createServerFiles, type Fsync, type ServerFiles, urlOf } from '#src/main/nats-server/files.ts';
import { type LiveServer, launchServer } from '#src/main/nats-server/launch.ts';
import { endServer, isRunning } from '#src/main/nats-server/processes.ts';
import { INVOCATIONS } from '#src/nats/wire/topology.ts';
import { validate } from '#test/specification/validate.ts';
import { openDataFolder } from '#test/support/data-folders.ts';
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

/**
 * `parent`: the folder of the store, by default one for temporary files.
 *
 * The end of the server fails when its log leaves the specification, unless the test says that it damages the log itself.
 */
export async function startTestServer({
  fsync = '100ms',
  parent = tmpdir(),
  isDamaged = false,
}: {
  fsync?: Fsync;
  parent?: string;
  isDamaged?: boolean;
} = {}): Promise<TestServer> {
  const dataDir = await mkdtemp(join(parent, 'sequent-test-'));
  const files = createServerFiles(dataDir);
  const { bin } = await ensureServer();
  const port = await freePort();
  let live = await launchServer(files, { bin, fsync, port, detached: false });
  const removeData = await openDataFolder(urlOf(port));
  let isPaused = false;

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
    pause() {
      isPaused = true;
      stopProcess(live.pid);
    },
    resume() {
      isPaused = false;
      process.kill(live.pid, 'SIGCONT');
    },
    async restart() {
      isPaused = false;
      live = await launchServer(files, { bin, fsync, port, detached: false });
    },
    async [Symbol.asyncDispose]() {
      const isReadable = !isDamaged && !isPaused && (await isRunning(live.pid, files.config));
      const problems = isReadable ? await leftSpecification(urlOf(port)) : [];
      await killQuietly(live, files);
      await rm(dataDir, { recursive: true, force: true });
      await removeData();
      if (problems.length > 0) throw new Error(`the log of a test is no trace of the specification:\n${problems.join('\n')}`);
    },
  };
}

/** A log of more messages is judged by the test that wrote it. */
const MAX_MESSAGES = 50_000;
const STREAM_NOT_FOUND = 10_059;
/** A loaded machine answers late. */
const timeout = 60_000;

/** Where the log leaves the specification. Tests also write what follows a wrong message: that counts for no reader. */
async function leftSpecification(url: string): Promise<string[]> {
  const connection = await connect({ servers: url, reconnect: false, timeout });
  try {
    const manager = await connection.jetstreamManager({ checkAPI: false, timeout });
    const found = await manager.streams.info(INVOCATIONS).catch((error: NatsError) => {
      if (error.api_error?.err_code === STREAM_NOT_FOUND) return undefined;
      throw error;
    });
    if (found === undefined || found.state.messages === 0 || found.state.messages > MAX_MESSAGES) return [];
    return validate(await readLog({ manager, jetstream: connection.jetstream({ timeout }) }), { isLossy: true });
  } finally {
    await connection.close();
  }
}

/** Works for a paused server and for one that has ended, too. */
async function killQuietly({ pid }: LiveServer, files: ServerFiles): Promise<void> {
  if (!(await isRunning(pid, files.config))) return;
  process.kill(pid, 'SIGKILL');
  await endServer(pid, files.config);
}

/** Returns when every thread has stopped: a thread on another processor runs on for a moment after the signal. */
export function stopProcess(pid: number): void {
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
