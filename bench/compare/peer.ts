import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { cpuOfTree } from '../measure/processes.ts';
import type { PeerServer } from './server.ts';
import type { System } from './systems.ts';

/** What a system reached for as long as its load lasted. */
type PeerLasting = {
  rate: number;
  count: number;
  /** 0 for a system that keeps no ended work. */
  slowestAnswerInMs: number;
  lullInMs: number;
};

/** The worker and the load of a system. They stand still between their turns, because some of them poll. */
export interface Peer extends AsyncDisposable {
  /** The processor time of the server and the worker so far, in microseconds. Resolves when the server is idle. */
  cpu(): Promise<number>;
  /** Resolves to the rate of a burst. */
  burst(count: number): Promise<number>;
  /** Sends for some seconds as fast as outcomes arrive, and asks for ended work once a second. */
  lasting(seconds: number): Promise<PeerLasting>;
  /** The milliseconds of invocations at 100 a second, sorted. */
  latencies(): Promise<number[]>;
}

type PeerOptions = { server: PeerServer; folder: string; node: string };

const IDLE_US = 20_000;
const IDLE_EVERY_MS = 400;
/** Redis rewrites its file and PostgreSQL writes a checkpoint after a load. A server that is busy for longer is busy with itself. */
const MAX_IDLE_CHECKS = 25;

export async function startPeer({ script, form = '' }: System, { server, folder, node }: PeerOptions): Promise<Peer> {
  const file = new URL(`./${script}.mjs`, import.meta.url).pathname;
  const start = (mode: 'work' | 'load') => openProcess(node, [file, mode, folder, server.url, form]);
  const worker = await start('work');
  const load = await start('load');
  const both = [worker, load];
  const workerEnded = once(worker.child, 'exit').then(() => Promise.reject(new Error(`the worker of ${script} ended`)));
  workerEnded.catch(() => {});
  for (const { child } of both) child.kill('SIGSTOP');
  const ask = async <Answer>(command: string, options: object = {}): Promise<Answer> => {
    for (const { child } of both) child.kill('SIGCONT');
    const answer = await Promise.race([load.ask({ command, ...options }), workerEnded]);
    for (const { child } of both) child.kill('SIGSTOP');
    return answer as Answer;
  };
  return {
    async cpu() {
      await untilIdle(server.pid);
      return cpuOfTree(server.pid) + cpuOfTree(worker.child.pid ?? 0);
    },
    burst: async (count) => (await ask<{ rate: number }>('burst', { count })).rate,
    lasting: (seconds) => ask('lasting', { seconds }),
    latencies: async () => (await ask<number[]>('latencies')).sort((one, other) => one - other),
    async [Symbol.asyncDispose]() {
      for (const { child } of both) child.kill('SIGKILL');
      await Promise.all(both.map(({ child }) => child.exitCode ?? child.signalCode ?? once(child, 'exit')));
    },
  };
}

/** The Node for the programs of the other systems: the present one, or the newest of the LTS line, because some need a newer one than Sequent does. */
export function nodeOfPeers(): string {
  if (Number.parseInt(process.versions.node, 10) >= 24) return process.execPath;
  const script = new URL('../../.ci/newest-lts-node', import.meta.url).pathname;
  return execFileSync(script, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }).trim();
}

async function untilIdle(pid: number): Promise<void> {
  for (let check = 0, before = cpuOfTree(pid); check < MAX_IDLE_CHECKS; check++) {
    await sleep(IDLE_EVERY_MS);
    const now = cpuOfTree(pid);
    if (now - before < IDLE_US) return;
    before = now;
  }
}

type LineProcess = { child: ChildProcess; ask(command: object): Promise<unknown> };

/** Resolves when the process is ready. */
async function openProcess(node: string, args: readonly string[]): Promise<LineProcess> {
  const child = spawn(node, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<string> => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`${args.join(' ')} ended`);
    return value;
  };
  await next();
  return {
    child,
    async ask(command) {
      child.stdin.write(`${JSON.stringify(command)}\n`);
      return JSON.parse(await next());
    },
  };
}
