import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { cpuOfTree } from '../measure/processes.ts';
import type { PeerServer } from './server.ts';
import type { System } from './systems.ts';

/** The worker and the load of a system. They stand still between their turns, because some of them poll. */
export interface Peer extends AsyncDisposable {
  /** The processor time of the server and the worker so far, in microseconds. */
  cpu(): number;
  /** The seconds of a burst. */
  burst(): Promise<number>;
  /** The milliseconds of invocations at 100 a second, sorted. */
  latencies(): Promise<number[]>;
}

type PeerOptions = { server: PeerServer; folder: string; count: number };

export async function startPeer({ script, form = '' }: System, { server, folder, count }: PeerOptions): Promise<Peer> {
  const file = new URL(`./${script}.mjs`, import.meta.url).pathname;
  const start = (mode: 'work' | 'load') => openProcess([file, mode, folder, server.url, String(count), form]);
  const worker = await start('work');
  const load = await start('load');
  const both = [worker, load];
  const workerEnded = once(worker.child, 'exit').then(() => Promise.reject(new Error(`the worker of ${script} ended`)));
  workerEnded.catch(() => {});
  for (const { child } of both) child.kill('SIGSTOP');
  const ask = async (command: string): Promise<unknown> => {
    for (const { child } of both) child.kill('SIGCONT');
    const answer = await Promise.race([load.ask(command), workerEnded]);
    for (const { child } of both) child.kill('SIGSTOP');
    return answer;
  };
  return {
    cpu: () => cpuOfTree(server.pid) + cpuOfTree(worker.child.pid ?? 0),
    burst: async () => (await ask('burst')) as number,
    latencies: async () => ((await ask('latency')) as number[]).sort((one, other) => one - other),
    async [Symbol.asyncDispose]() {
      for (const { child } of both) child.kill('SIGKILL');
      await Promise.all(both.map(({ child }) => child.exitCode ?? child.signalCode ?? once(child, 'exit')));
    },
  };
}

type LineProcess = { child: ChildProcess; ask(command: string): Promise<unknown> };

/** Resolves when the process is ready. */
async function openProcess(args: readonly string[]): Promise<LineProcess> {
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
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
      child.stdin.write(`${command}\n`);
      return JSON.parse(await next());
    },
  };
}
