import { execFile } from 'node:child_process';
import { rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'vitest';
import { connectClient } from '#src/client/client.ts';
import { runCli } from '#test/support/cli/cli.ts';
import { startSequent } from '#test/support/cli/processes/sequent-process.ts';
import { argumentsOf, documentedLines } from '#test/support/documented-commands.ts';
import { shortTimes, test } from '#test/support/fixtures.ts';
import { openCuttableDisk, whyNoDisk } from '#test/support/nats/disks/cuttable-disk.ts';
import { startTestServer } from '#test/support/nats/nats-server.ts';

/* The commands of the runbook are read from docs/operations.md. The disk is a real ext4. */

const run = promisify(execFile);
const file = new URL('../support/e2e/functions.mjs', import.meta.url).pathname;
const ROOM_IN_BYTES = 4 * 1_024 ** 2;
const LARGE = 'x'.repeat(200_000);

test.skipIf(whyNoDisk !== undefined)(
  'the runbook of a full disk makes room, and every accepted invocation ends',
  { timeout: 240_000 },
  async ({ folder }) => {
    await using disk = await openCuttableDisk();
    await using server = await startTestServer({ parent: disk.path });
    const settings = { ...shortTimes, NATS_URL: server.url, SEQUENT_DATA: folder };
    await using _sequent = await startSequent(['--http-port', '0'], settings);
    await using client = await connectClient({ servers: server.url });
    await client.functions.put({ name: 'slowly', handler: { kind: 'process', file, export: 'slowly' }, concurrency: 4 });
    const lines = documentedLines('docs/operations.md', 'Full disk or full log');
    const next = async (expected: string, shows?: RegExp): Promise<string> => {
      const line = lines.shift() ?? '';
      expect(line).toMatch(new RegExp(`^${expected}`));
      const command = argumentsOf(line.replace(/^sequent /, '')).map((argument) => argument.replace('/var/lib/nats', disk.path));
      const outputOf = async () => {
        const { code, stdout, stderr } = await runCli(command, { env: settings });
        return `${code} ${stdout}${stderr}`;
      };
      if (shows !== undefined) await expect.poll(outputOf, { timeout: 60_000, interval: 500 }).toMatch(shows);
      return command.slice(1).join(' ');
    };

    const ballast = join(disk.path, 'core.1234');
    await writeFile(ballast, '');
    const { bavail, bsize } = await statfs(disk.path);
    await run('fallocate', ['--length', String(bavail * bsize - ROOM_IN_BYTES), ballast]);
    const accepted: string[] = [];
    const send = (payload: object): Promise<string> =>
      client.invoke('slowly', payload).then(
        ({ requestId }) => {
          accepted.push(requestId);
          return 'accepted';
        },
        (error: { code?: string }) => String(error.code),
      );
    let answer = 'accepted';
    for (let i = 0; answer === 'accepted'; i++) answer = await send({ i, ms: 1, LARGE });
    expect(accepted.length).toBeGreaterThan(1);

    // nats-server 2.15.1 answers no message any more, and the roles notice that by their own messages.
    const sending = setInterval(() => void send({ i: -1, ms: 1 }), 500);
    await next('sequent doctor', /^1 .*(?:is full and refuses|the log has answered no message for 10 s|stores nothing)/s);
    const { stdout: usage } = await run('df', [await next('df')]);
    expect(usage).toMatch(/(?:9[5-9]|100)%/);
    expect(await next('rm')).toBe(ballast);
    await rm(ballast);
    clearInterval(sending);
    await next('systemctl restart nats-server');
    await server.end();
    await server.restart();
    await expect.poll(() => send({ i: 0, ms: 1 }), { timeout: 30_000 }).toBe('accepted');
    await next('sequent doctor', /^[01] (?!.*(?:is full|answered no message|stores nothing))/s);
    for (const id of accepted) expect((await client.result(id)).outcome).toBe('succeeded');
    await next('sequent verify', /^0 /);
    await next('sequent loss ls', /has lost no message/);
    expect(lines).toEqual([]);
  },
);
