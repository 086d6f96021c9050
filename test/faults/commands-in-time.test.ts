import { once } from 'node:events';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pLimit from 'p-limit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type CliOptions, type CliRun, runCli } from '#test/support/cli/cli.ts';
import { commandLines, isNamed, waiting } from '#test/support/cli/commands-of-server.ts';
import { removeDataFolder } from '#test/support/data-folders.ts';
import { argumentsOf } from '#test/support/documented-commands.ts';
import { PROJECT, type RunningSequent, startSequent } from '#test/support/gateway/running-gateway.ts';

/** The promise. The rest is for a busy machine, on which the starts of so many commands take seconds. A command without a bound never ends. */
const ENDS_WITHIN_MS = 10_000;
const MACHINE_MS = 10_000;
/** The server freezes at this chunk of the client: at its connection, and in the work of the command. */
const FREEZES_AT = { connection: 1, work: 12 };
const AT_ONCE = 24;
const GIVE_UP_AFTER_MS = 30_000;

type Frozen = CliRun & { command: string; ms: number; isFrozen: boolean };

let sequent: RunningSequent;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sequent-frozen-'));
  await writeFile(join(folder, 'order.mjs'), 'export const handler = () => ({});\n');
  await writeFile(join(folder, 'lines.jsonl'), '{"a":1}\n');
  sequent = await startSequent({ with: ['projection'] });
  for (const name of ['order', 'keyed'])
    await sequent.call('PUT', `/api/functions/${name}`, { body: { handler: { kind: 'subject', subject: 'fn.mine' } } });
});
afterAll(async () => {
  await sequent[Symbol.asyncDispose]();
  await removeDataFolder(folder);
});

/** Passes a connection to the server, until the server freezes at a chunk of the client. */
async function freezeAt(target: number, chunk: number) {
  const sockets = new Set<Socket>();
  let seen = 0;
  const server = createServer({ noDelay: true }, (near) => {
    const far = connect({ port: target, host: '127.0.0.1', noDelay: true });
    near.on('data', (bytes) => {
      if (++seen < chunk) far.write(bytes);
    });
    far.on('data', (bytes) => {
      if (seen < chunk) near.write(bytes);
    });
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => {}).on('close', () => [near, far].map((one) => one.destroy()));
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `nats://127.0.0.1:${(server.address() as AddressInfo).port}`,
    isFrozen: () => seen >= chunk,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** A command that waits for the server is a process, which ends: in this process it would wait on beside the files that run after this one. */
async function runOrGiveUp(command: string, args: readonly string[], options: CliOptions): Promise<CliRun> {
  if (isNamed(command, waiting)) return await runCli(args, { ...options, endAfterMs: GIVE_UP_AFTER_MS });
  const late = delay(GIVE_UP_AFTER_MS, { code: null, stdout: '', stderr: '' }, { ref: false });
  return await Promise.race([runCli(args, options), late]);
}

async function runFrozen(command: string, at: number): Promise<Frozen> {
  await using frozen = await freezeAt(sequent.server.port, at);
  const args = argumentsOf(command);
  const startedAt = performance.now();
  const ran = await runOrGiveUp(command, args, { env: { NATS_URL: frozen.url, SEQUENT_PROJECT: PROJECT }, cwd: folder });
  return { ...ran, command, ms: performance.now() - startedAt, isFrozen: frozen.isFrozen() };
}

async function runAllFrozen(at: number): Promise<Frozen[]> {
  const limit = pLimit(AT_ONCE);
  const ran = await Promise.all((await commandLines()).map((command) => limit(() => runFrozen(command, at))));
  return ran.filter(({ isFrozen }) => isFrozen);
}

const inWords = ({ command, ms, code, stderr }: Frozen): string => `${command}: ${code} after ${Math.round(ms)} ms: ${stderr.slice(-200)}`;
const isLate = ({ ms, code }: Frozen): boolean => code === null || ms > ENDS_WITHIN_MS + MACHINE_MS;

test('every command ends within ten seconds with one problem when the server is frozen', { timeout: 200_000 }, async () => {
  const frozen = await runAllFrozen(FREEZES_AT.connection);
  expect(frozen.length).toBeGreaterThan(80);
  const wrong = frozen.filter((one) => isLate(one) || ![6, 7].includes(one.code ?? 0) || one.stderr.match(/^error: /gm)?.length !== 1);
  expect(wrong.map(inWords)).toEqual([]);
});

test('every command that does not wait ends within ten seconds when the server freezes in its work', { timeout: 200_000 }, async () => {
  const frozen = await runAllFrozen(FREEZES_AT.work);
  expect(frozen.filter(({ code }) => code === 6).length).toBeGreaterThan(15);
  expect(frozen.filter((one) => isLate(one) && !isNamed(one.command, waiting)).map(inWords)).toEqual([]);
});

test('sequent doctor, which asks many questions, ends within ten seconds wherever the server freezes', { timeout: 200_000 }, async () => {
  const ran = await Promise.all([6, 10, 14, 18, 22, 26].map((chunk) => runFrozen('doctor', chunk)));
  const frozen = ran.filter(({ isFrozen }) => isFrozen);
  expect(frozen.length).toBeGreaterThan(3);
  expect(frozen.filter(isLate).map(inWords)).toEqual([]);
});
