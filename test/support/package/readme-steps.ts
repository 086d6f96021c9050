import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect } from 'vitest';
import { documentedScript } from '#test/support/documented-commands.ts';
import { freePort } from '#test/support/free-port.ts';

/** Where a reader of README works: an empty folder that has the command, and a shell there. */
type Reader = { folder: string; shell: (script: string) => Promise<string> };

/** Does what README says under "Write a function" and "Add a destination", word for word but for the port of the receiver. */
export async function followReadme({ folder, shell }: Reader): Promise<void> {
  expect(await shell(documentedScript('README.md', 'Write a function'))).toContain('{"hello":"Ada","attempt":1}');
  // The documented port may be taken on this machine.
  const [receiving = '', ...others] = documentedScript('README.md', 'Add a destination')
    .replaceAll('9000', String(await freePort()))
    .split('\n');
  const receiver = spawn('sh', ['-c', `exec ${receiving}`], { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
  const closed = once(receiver, 'close');
  let received = '';
  receiver.stdout.on('data', (chunk: Buffer) => {
    received += chunk.toString();
  });
  try {
    await shell(others.join('\n'));
    await expect.poll(() => received, { timeout: 120_000 }).toMatch(/\}\s*$/);
  } finally {
    receiver.kill();
    await closed;
  }
  expect(JSON.parse(JSON.parse(received).response_payload)).toEqual({ hello: 'Ada', attempt: 1 });
}
