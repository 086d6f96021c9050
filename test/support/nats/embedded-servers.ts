import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { serverFiles } from '#src/main/nats-server/files.ts';
import { endServer, serversWith } from '#src/main/nats-server/processes.ts';

const standIn = new URL('../cli/processes/sequent-stand-in.ts', import.meta.url).pathname;

/** Starts another process that starts a server on the folder; in a process group of its own, like a command in a terminal. */
export function spawnSequent(bin: string, dataDir: string): ChildProcess {
  return spawn(process.execPath, ['--import', 'tsx', standIn, bin, dataDir], { detached: true, stdio: ['ignore', 'pipe', 'ignore'] });
}

/** The same, once its server answers. */
export async function startSequent(bin: string, dataDir: string): Promise<{ process: ChildProcess; url: string; pid: number }> {
  const sequent = spawnSequent(bin, dataDir);
  if (sequent.stdout === null) throw new Error('no output to read');
  const [line] = await once(createInterface(sequent.stdout), 'line');
  return { process: sequent, ...(JSON.parse(line) as { url: string; pid: number }) };
}

export async function endProcess(process: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  process.kill(signal);
  await once(process, 'exit');
}

/** The process ids of all nats-servers that run on the folder. */
export async function serversOn(dataDir: string): Promise<number[]> {
  // Sequent may have failed before it created the folder.
  return existsSync(join(dataDir, 'nats')) ? await serversWith(serverFiles(dataDir).config) : [];
}

export async function endServersOn(dataDir: string): Promise<void> {
  for (const pid of await serversOn(dataDir)) await endServer(pid, serverFiles(dataDir).config);
}
