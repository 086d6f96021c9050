import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** Debian's moto_server, a third-party stand-in for S3. It verifies no signature. */
export interface Moto extends AsyncDisposable {
  readonly url: string;
  createBucket(name: string): Promise<void>;
  /** Reads an object, or lists a bucket. */
  get(path: string): Promise<Response>;
}

const COMMAND = 'moto_server';

/** moto requires a signature and accepts any. */
const ANY_SIGNATURE = 'AWS4-HMAC-SHA256 Credential=anybody/20261124/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=00';

/** Throws when `python3-moto` or `python3-flask-cors` is not installed, so no test is skipped. */
export async function startMoto(): Promise<Moto> {
  const child = spawn(COMMAND, ['-H', '127.0.0.1', '-p', '0'], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, PYTHONUNBUFFERED: '1' },
  });
  const ended = once(child, 'exit');
  const url = await Promise.race([addressIn(child.stderr), ended.then(() => undefined)]);
  if (url === undefined) throw new Error(`${COMMAND} ended before it listened`);
  child.stderr.resume();
  return {
    url,
    async createBucket(name) {
      const { status } = await fetch(`${url}/${name}`, { method: 'PUT' });
      if (status !== 200) throw new Error(`the bucket ${name} could not be made: ${status}`);
    },
    get: (path) => fetch(`${url}${path}`, { headers: { authorization: ANY_SIGNATURE } }),
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
