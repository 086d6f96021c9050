import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** Debian's moto_server: a stand-in of S3 written by others. It checks no signature. */
export interface Moto extends AsyncDisposable {
  readonly url: string;
  createBucket(name: string): Promise<void>;
}

/** By its path: another Python may come first on the PATH. */
const BIN = '/usr/bin/moto_server';

/** Throws when `python3-moto` is not installed: nothing is skipped. */
export async function startMoto(): Promise<Moto> {
  const child = spawn(BIN, ['-H', '127.0.0.1', '-p', '0'], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, PYTHONUNBUFFERED: '1' },
  });
  const ended = once(child, 'exit');
  const url = await Promise.race([addressIn(child.stderr), ended.then(() => undefined)]);
  if (url === undefined) throw new Error(`${BIN} ended before it listened`);
  child.stderr.resume();
  return {
    url,
    async createBucket(name) {
      const { status } = await fetch(`${url}/${name}`, { method: 'PUT' });
      if (status !== 200) throw new Error(`the bucket ${name} could not be made: ${status}`);
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

async function addressIn(log: NodeJS.ReadableStream): Promise<string | undefined> {
  for await (const line of createInterface(log)) {
    const found = /Running on (http:\/\/127\.0\.0\.1:\d+)/.exec(line);
    if (found !== null) return found[1];
  }
  return undefined;
}
