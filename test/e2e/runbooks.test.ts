import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectClient, type SequentClient } from '#src/client/client.ts';
import { type ServedSequent, serveSequent } from '#test/support/cli/cli.ts';
import { startSequent } from '#test/support/cli/processes/sequent-process.ts';
import { removeDataFolder } from '#test/support/data-folders.ts';
import { openReceiver, type Receiver } from '#test/support/destinations/receiver.ts';
import { documentedCommands } from '#test/support/documented-commands.ts';
import { eventually } from '#test/support/gateway/eventually.ts';

/* The runbooks of docs/operations.md. Their commands are read from there. */

const HOUR_IN_MS = 3_600_000;
const preload = new URL('../support/cli/processes/shifted-clock.mjs', import.meta.url).href;

let folder: string;
let sequent: ServedSequent;
let receiver: Receiver;
let client: SequentClient;
/** The status that the receiver answers, and the bodies that it accepted. */
let status = 503;
const accepted: string[] = [];
const delivered = (id: string): boolean => accepted.some((body) => body.includes(id));

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sequent-runbooks-'));
  receiver = await openReceiver((response, { body }) => {
    if (status === 200) accepted.push(body);
    response.writeHead(status).end();
  });
  const connections = join(folder, 'connections.json');
  await writeFile(connections, JSON.stringify({ http: { kind: 'http', allowPrivate: true, allowHttp: true, ports: [receiver.port] } }));
  sequent = await serveSequent(['--connections', connections, '--http-port', '0']);
  client = await connectClient(sequent.address);
});
afterAll(async () => {
  await client.close();
  await sequent[Symbol.asyncDispose]();
  await receiver[Symbol.asyncDispose]();
  await removeDataFolder(folder);
});

/**
 * Runs the commands of a runbook one after another. Each must start as expected. A command is repeated until its output matches, because
 * the read model follows the log.
 */
function runbook(heading: string): (expected: string, shows?: RegExp) => Promise<void> {
  const commands = documentedCommands('docs/operations.md', heading);
  return async (expected, shows = /(?:)/) => {
    const command = commands.shift() ?? [];
    expect(command.join(' ')).toMatch(new RegExp(`^${expected}`));
    await expect
      .poll(
        async () => {
          const { code, stdout, stderr } = await sequent.run(command, { cwd: folder });
          return `${code} ${stdout}${stderr}`;
        },
        { timeout: 60_000 },
      )
      .toMatch(new RegExp(`^0 [^]*${shows.source}`));
  };
}

/** Defines the function by a file without a package, of a new name: its processes keep the code that they loaded. */
async function put(file: string, code: string, policy: object = {}): Promise<void> {
  const path = join(folder, file);
  await writeFile(path, code);
  await client.functions.put({ name: 'orders', handler: { kind: 'process', file: path, export: 'handler' }, policy });
}

async function invoke(...ids: string[]): Promise<void> {
  await Promise.all(ids.map((id) => client.invoke('orders', {}, { id })));
}

describe('the runbook', () => {
  test('of a poisoned function pauses it, replaces its code, and redrives what failed', { timeout: 240_000 }, async () => {
    await put('orders-1.mjs', "export const handler = () => { throw new Error('poisoned'); };");
    await invoke('order-4711');
    const next = runbook('Poisoned function');
    await next('stats', /orders/);
    await next('ls', /order-4711/);
    await next('explain', /poisoned/);
    await next('fn pause');
    await writeFile(join(folder, 'orders-2.mjs'), "export const handler = () => 'mended';");
    await next('fn code put .*--dry-run', /handler\.package/);
    await next('fn code put');
    await next('fn resume');
    await next('redrive .*--dry-run', /order-4711/);
    await next('redrive .*--yes');
    // The redrive is the first success.
    const { stdout } = await sequent.run(['tail', 'orders', '--from', '1', '--state', 'succeeded', '--limit', '1', '--json']);
    expect(stdout).toContain('mended');
  });

  test('of a dead target shows its circuit, and delivers again what ended dead', { timeout: 240_000 }, async () => {
    await put('orders-3.mjs', "export const handler = () => 'done';", {
      onSuccess: [{ destination: 'HTTP', param: { url: `${receiver.url}/hook` } }],
    });
    // The worker reads the new definition a moment later, and runs earlier requests under the old one.
    await expect.poll(async () => (await (await client.invoke('orders', {})).result()).value, { timeout: 60_000 }).toBe('done');
    const next = runbook('Dead target');
    await invoke('order-4712', ...Array.from({ length: 15 }, (_, index) => `order-${index}`));
    await next('dest ls', /orders/);
    await next('explain', /circuit/);
    status = 200;
    await expect.poll(() => delivered('order-4712'), { timeout: 120_000 }).toBe(true);

    // A target that refuses for good ends a delivery at once.
    status = 410;
    await invoke('order-4713');
    await next('dest dead ls', /order-4713/);
    await next('dest dead redrive .*--dry-run', /order-4713/);
    status = 200;
    await next('dest dead redrive .*--yes');
    await expect.poll(() => delivered('order-4713'), { timeout: 60_000 }).toBe(true);
  });

  test('of a wrong clock finds the process that takes no work, until its clock is right', { timeout: 240_000 }, async () => {
    const env = {
      NATS_URL: sequent.url,
      NATS_NKEY: sequent.address.nkeyFile ?? '',
      NODE_OPTIONS: `--import ${preload}`,
      SHIFTED_CLOCK_MS: String(30 * HOUR_IN_MS),
      SHIFTED_CLOCK_STEPS_MS: String(-30 * HOUR_IN_MS),
    };
    await using wrong = await startSequent(['--role', 'destinations'], env);
    const [doctor = []] = documentedCommands('docs/operations.md', 'Wrong clock');
    await eventually(async () => /1 d 6 h ahead of the NATS server's.*takes no work until the clock is right/.test(wrong.stderr), 60_000);
    await eventually(async () => {
      const { code, stdout } = await sequent.run(doctor);
      return code === 1 && /clock of .*1 d 6 h ahead of the server \(destinations, process \d+\): it takes no work/.test(stdout);
    }, 60_000);
    await wrong.signal('SIGUSR2');
    await eventually(async () => /it is right again/.test(wrong.stderr), 60_000);
    await eventually(async () => {
      const { code, stdout } = await sequent.run(doctor);
      return code !== null && stdout.includes('server version') && !stdout.includes('clock of');
    }, 60_000);
  });
});
