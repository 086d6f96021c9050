import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';

/** A server of another system on loopback, with a store of its own in the folder for temporary files. */
export interface PeerServer extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
}

/** A kind of server that this project does not install. */
export type ServerKind = {
  /** The package of Debian that has it. */
  apt: string;
  /** The folder of its programs; `undefined` when it is not installed. */
  find(): string | undefined;
  start(bin: string): Promise<PeerServer>;
};

export type Launch = {
  command: string;
  args: readonly string[];
  folder: string;
  /** What the line contains that the server prints when it accepts connections. */
  ready: string;
  url: string;
  options?: SpawnOptions;
  /** SIGTERM by default. */
  endBy?: NodeJS.Signals;
};

/** Starts a server, and resolves when it accepts connections. The folder is removed when the server ends. */
export async function launchPeer({ command, args, folder, ready, url, options, endBy = 'SIGTERM' }: Launch): Promise<PeerServer> {
  const child = spawn(command, args, { cwd: folder, ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  await readUntil(child, ready);
  return {
    url,
    pid: child.pid ?? 0,
    async [Symbol.asyncDispose]() {
      child.kill(endBy);
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export function createFolder(name: string): string {
  return mkdtempSync(join(tmpdir(), `sequent-${name}-`));
}

/** The first folder that has all of these programs: of the given ones, then of PATH. */
export function findPrograms(programs: readonly string[], folders: readonly string[] = []): string | undefined {
  const all = [...folders, ...(process.env.PATH ?? '').split(delimiter)];
  return all.find((folder) => programs.every((program) => existsSync(join(folder, program))));
}

/** Resolves at the line; what the server prints afterwards is dropped. */
function readUntil(child: ChildProcess, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const lines: string[] = [];
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream as NodeJS.ReadableStream }).on('line', (line) => {
        if (lines.length < 50) lines.push(line);
        if (line.includes(text)) resolve();
      });
    }
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`${child.spawnfile} ended with ${code}:\n${lines.join('\n')}`)));
  });
}
