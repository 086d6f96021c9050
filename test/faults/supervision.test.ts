import { spawn } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, vi } from 'vitest';
import { keyIdOf, parseHeads } from '#src/archive/heads/signed-head.ts';
import { connectClient } from '#src/client/client.ts';
import { startSequent } from '#test/support/cli/processes/sequent-process.ts';
import { test } from '#test/support/fixtures.ts';
import { watchLog } from '#test/support/log/log-watch.ts';
import { endServersOn, serversOn } from '#test/support/nats/embedded-servers.ts';
import { ownerAddress } from '#test/support/nats/owner-address.ts';
import { UNTIL_ALL_ANSWER } from '#test/support/role-answers.ts';

const root = new URL('../..', import.meta.url).pathname;
const functions = new URL('../support/e2e/functions.mjs', import.meta.url).pathname;
const hangUpAtStart = new URL('../support/cli/processes/hang-up-at-start.mjs', import.meta.url).pathname;
const urlIn = (line: string): string => /nats:\/\/\S+/.exec(line)?.[0] ?? '';

test('npm start restarts the killed process of its roles, says so, and still stops cleanly', async ({ folder }) => {
  const args = ['--max-semi-space-size=64', 'src/main/start.mjs', '--data', folder, '--nats-port', '0', '--http-port', '0'];
  const env = { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', SEQUENT_LOG_LEVEL: 'warn', SEQUENT_BUILD: 'off' };
  const start = spawn(process.execPath, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const exited = once(start, 'exit');
  try {
    let said = '';
    start.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    const lines = createInterface(start.stdout)[Symbol.asyncIterator]();
    const url = urlIn((await lines.next()).value ?? '');
    const pid = await pidOfRoles(url, folder);
    expect(pid).not.toBe(start.pid);
    process.kill(pid, 'SIGKILL');
    expect(urlIn((await lines.next()).value ?? '')).toBe(url);

    expect(said).toContain('sequent: the process ended unexpectedly (SIGKILL); restart in 1 s\n');
    await using client = await connectClient({ servers: url });
    expect(await (await client.invoke('hello', { name: 'Ada' })).result()).toMatchObject({ value: { greeting: 'Hello, Ada!' } });
    start.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
    expect(await serversOn(folder)).toEqual([]);
  } finally {
    start.kill('SIGKILL');
    await exited;
    await endServersOn(folder);
  }
});

test('SIGHUP to npm start, also a very early one, is read by every role, which then uses the changed key', async ({ folder }) => {
  const [first, second] = [1, 2].map(() => generateKeyPairSync('ed25519'));
  const [key, runs] = [join(folder, 'signing.key'), join(folder, 'runs')];
  const store = async (pair: typeof first): Promise<void> => {
    await writeFile(`${key}.new`, pair?.privateKey.export({ type: 'pkcs8', format: 'pem' }) ?? '', { mode: 0o600 });
    await rename(`${key}.new`, key);
  };
  await store(first);
  // A command has no file whose change would be seen: it runs again after SIGHUP alone.
  const command = `echo run >>'${runs}'; echo 'k1 ${randomBytes(32).toString('base64')}'`;
  const data = join(folder, 'data');
  const keys = ['--signing-key', key, '--encryption-command', command];
  const args = [
    '--import',
    hangUpAtStart,
    'src/main/start.mjs',
    '--data',
    data,
    '--nats-port',
    '0',
    '--http-port',
    '0',
    ...keys,
    '--retention-invocations',
    '1',
  ];
  const env = { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', SEQUENT_LOG_LEVEL: 'warn', SEQUENT_BUILD: 'off' };
  const start = spawn(process.execPath, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'ignore'] });
  const exited = once(start, 'exit');
  try {
    const [ready] = (await once(createInterface(start.stdout), 'line')) as [string];
    // A SIGHUP from before the first listener is remembered.
    await expect.poll(async () => (await readFile(runs, 'utf8')).split('run').length - 1).toBeGreaterThan(1);
    const runsBefore = (await readFile(runs, 'utf8')).length;
    await store(second);
    start.kill('SIGHUP');
    await expect.poll(async () => (await readFile(runs, 'utf8')).length).toBeGreaterThan(runsBefore);
    await using client = await connectClient(ownerAddress(urlIn(ready), data));
    for (let times = 0; times < 5; times++) await (await client.invoke('hello', {})).result();
    const archive = join(data, 'archive');
    const filesIn = async () => (await readdir(archive, { recursive: true }).catch(() => [])).map(String);
    const headsIn = async () => (await filesIn()).filter((name) => /^heads-.*json$/.test(name));
    await expect.poll(async () => (await headsIn()).length, { timeout: 30_000 }).toBeGreaterThan(0);
    const ofJanitor = await headsIn();
    const { requestId } = await client.invoke('hello', {});
    await expect.poll(() => client.history.get(requestId).catch(() => undefined), { timeout: 30_000 }).toMatchObject({ state: 'notified' });
    start.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
    // The janitor signed the end of its segment, and the projection the end of the log when it stopped.
    const heads = await Promise.all((await headsIn()).map(async (name) => parseHeads(await readFile(join(archive, name), 'utf8'), name)));
    expect(heads.length).toBeGreaterThan(ofJanitor.length);
    expect(new Set(heads.flat().map(({ key: id }) => id))).toEqual(new Set([second === undefined ? '' : keyIdOf(second.publicKey)]));
  } finally {
    start.kill('SIGKILL');
    await exited;
    await endServersOn(data);
  }
});

test('the roles of npm start end when the process that supervises them is killed', async ({ folder }) => {
  const args = ['src/main/start.mjs', '--data', folder, '--nats-port', '0', '--http-port', '0'];
  const env = { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', SEQUENT_LOG_LEVEL: 'warn', SEQUENT_BUILD: 'off' };
  const start = spawn(process.execPath, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'ignore'] });
  try {
    // The processes of the roles inherit this stdout, which ends when the last of them ends.
    const lines = createInterface(start.stdout);
    const [ready] = (await once(lines, 'line')) as [string];
    await using log = await watchLog(ownerAddress(urlIn(ready), folder));
    await expect.poll(() => log.ports.roleInstances.list(), UNTIL_ALL_ANSWER).toHaveLength(1);
    start.kill('SIGKILL');
    await once(lines, 'close');
    expect(await log.ports.roleInstances.list()).toEqual([]);
  } finally {
    start.kill('SIGKILL');
    await endServersOn(folder);
  }
});

test('SIGTERM to the process group stops all roles without a warning during an execution', async ({ folder }) => {
  try {
    await using sequent = await startSequent(['--start-server', '--nats-port', '0', '--http-port', '0', '--data', folder], {});
    const url = urlIn(sequent.readyLine);
    const address = ownerAddress(url, folder);
    await using client = await connectClient(address);
    await client.functions.put({ name: 'slowly', handler: { kind: 'process', file: functions, export: 'slowly' } });
    await using log = await watchLog(address);
    // A process of the function that just starts belongs to the same group for a moment, and the signal ends it.
    const first = await client.invoke('slowly', { ms: 1 });
    await log.untilNotified([first.requestId]);
    const { requestId } = await client.invoke('slowly', { ms: 2_500 });
    await log.until((fact) => fact.type === 'running' && fact.invocation === requestId);
    process.kill(-sequent.pid, 'SIGTERM');
    await log.untilNotified([requestId]);
    expect(await sequent.signal('SIGTERM')).toBe(0);

    const complaints = sequent.stderr.split('\n').filter((line) => /"level":[4-6]0/.test(line));
    expect(complaints).toEqual([]);
    expect(log.facts.get(requestId)?.map(({ type }) => type)).toEqual(['queued', 'running', 'succeeded', 'notified']);
    expect(await serversOn(folder)).toEqual([]);
  } finally {
    await endServersOn(folder);
  }
});

async function pidOfRoles(url: string, folder: string): Promise<number> {
  await using log = await watchLog(ownerAddress(url, folder));
  return await vi.waitFor(async () => {
    const found = (await log.ports.roleInstances.list()).find(({ roles }) => roles.includes('worker'));
    if (found === undefined) throw new Error('no worker is among the instances of roles');
    return found.pid;
  }, UNTIL_ALL_ANSWER);
}
