import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { expect } from 'vitest';
import { connectClient } from '#src/client/client.ts';
import { startSequent } from '#test/support/cli/sequent-process.ts';
import { test } from '#test/support/fixtures.ts';
import { watchLog } from '#test/support/log/log-watch.ts';
import { endServersOn, serversOn } from '#test/support/nats/embedded-servers.ts';
import { ownerAddress } from '#test/support/nats/owner-address.ts';

const root = new URL('../..', import.meta.url).pathname;
const functions = new URL('../support/e2e/functions.mjs', import.meta.url).pathname;
const urlIn = (line: string): string => /nats:\/\/\S+/.exec(line)?.[0] ?? '';

test('npm start restarts the killed process of its roles, says so, and still stops cleanly', async ({ folder }) => {
  const args = ['--max-semi-space-size=64', 'src/main/start.mjs', '--data', folder, '--nats-port', '0', '--http-port', '0'];
  const env = { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', SEQUENT_LOG_LEVEL: 'warn' };
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

test('the roles of npm start end when the process that supervises them is killed', async ({ folder }) => {
  const args = ['src/main/start.mjs', '--data', folder, '--nats-port', '0', '--http-port', '0'];
  const env = { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', SEQUENT_LOG_LEVEL: 'warn' };
  const start = spawn(process.execPath, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'ignore'] });
  try {
    // The processes of the roles inherit this stdout, which ends when the last of them ends.
    const lines = createInterface(start.stdout);
    const [ready] = (await once(lines, 'line')) as [string];
    await using log = await watchLog(ownerAddress(urlIn(ready), folder));
    expect(await log.ports.roleInstances.list()).toHaveLength(1);
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
    const { requestId } = await client.invoke('slowly', { ms: 2_500 });
    await log.until((fact) => fact.type === 'running');
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
  const instances = await log.ports.roleInstances.list();
  const found = instances.find(({ roles }) => roles.includes('worker'));
  if (found === undefined) throw new Error('no worker is among the instances of roles');
  return found.pid;
}
