import { execFile } from 'node:child_process';
import { appendFile, cp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect } from 'vitest';
import { connectClient } from '#src/client/client.ts';
import { readLogState } from '#src/nats/streams/log/log-state.ts';
import { INVOCATIONS } from '#src/nats/wire/topology.ts';
import { runCli, type ServedSequent, serveSequent } from '#test/support/cli/cli.ts';
import { argumentsOf, documentedLines } from '#test/support/documented-commands.ts';
import { sharedTest } from '#test/support/fixtures.ts';

/* Backups of docs/operations.md. The commands are read from there, and run in one folder, one test after another. */

const SEQUENT = 'sequent ';
const lines = documentedLines('docs/operations.md', 'Back up and restore');
/** The arguments of the next documented command, which must begin like this. */
function next(expected: string): string[] {
  const line = lines.shift() ?? '';
  expect(line).toMatch(new RegExp(`^${expected}`));
  return argumentsOf(line.replace(SEQUENT, ''));
}

const test = sharedTest;
const BEFORE = Array.from({ length: 10 }, (_, i) => `before-${i}`);
let created: string;

/** Starts what a documented `serve` starts, on free ports. */
async function serve(folder: string, [command, ...args]: readonly string[]): Promise<ServedSequent> {
  const data = args.indexOf('--data');
  expect([command, args.slice(0, data)]).toEqual(['serve', ['--start-server']]);
  return await serveSequent(['--http-port', '0'], join(folder, args[data + 1] ?? ''));
}

async function identityOf({ address }: ServedSequent): Promise<string> {
  const client = await connectClient(address);
  const { created: at } = await readLogState(client.connection);
  await client.close();
  return at;
}

async function invoke(sequent: ServedSequent, ids: readonly string[], name = 'hello'): Promise<void> {
  const client = await connectClient(sequent.address);
  const invoked = await Promise.all(ids.map((id) => client.invoke(name, { name: id }, { id })));
  if (name === 'hello') await Promise.all(invoked.map((one) => one.result()));
  await client.close();
}

async function statesOf(sequent: ServedSequent, name: string): Promise<Record<string, string>> {
  const { code, stdout, stderr } = await sequent.run(['ls', name, '-o', 'jsonl', '--all']);
  expect(code, stderr).toBe(0);
  const rows = stdout.split('\n').filter((line) => line !== '');
  return Object.fromEntries(rows.map((line) => JSON.parse(line) as { id: string; state: string }).map((row) => [row.id, row.state]));
}

/** Waits until the read model, which follows the log, shows these invocations of `hello` as notified. */
async function expectNotified(sequent: ServedSequent, ids: readonly string[]): Promise<void> {
  const notified = Object.fromEntries(ids.map((id) => [id, 'notified']));
  await expect.poll(() => statesOf(sequent, 'hello'), { timeout: 60_000 }).toMatchObject(notified);
}

/** Waits until the read model shows the open invocation, and no other invocation of its function. */
async function expectOpenAlone(sequent: ServedSequent): Promise<void> {
  await expect.poll(() => statesOf(sequent, 'test2'), { timeout: 60_000 }).toEqual({ open: 'queued' });
}

describe('a backup', () => {
  test('is taken under load, and the restored log is the same one and goes on', { timeout: 240_000 }, async ({ folder }) => {
    await using sequent = await serveSequent(['--deploy-examples', '--http-port', '0']);
    await sequent.run(['fn', 'pause', 'test2']);
    await invoke(sequent, ['open'], 'test2');
    await invoke(sequent, BEFORE);
    created = await identityOf(sequent);
    const taking = sequent.run(next('sequent backup'), { cwd: folder });
    let isTaken = false;
    void taking.finally(() => {
      isTaken = true;
    });
    for (let i = 0; !isTaken; i++) await invoke(sequent, [`during-${i}`]);
    const taken = await taking;
    expect(taken.code, taken.stderr).toBe(0);

    // A role of a busy machine may answer late. The command then refuses because the streams exist.
    await expect
      .poll(() => sequent.run(['restore', 'backups/monday'], { cwd: folder }), { timeout: 60_000 })
      .toMatchObject({ code: 4, stderr: expect.stringContaining('roles of Sequent run') });
    const restored = await sequent.run(next('sequent restore'), { cwd: folder });
    expect(restored.code, restored.stderr).toBe(0);
    await using other = await serve(folder, next('sequent serve'));
    expect(await identityOf(other)).toEqual(created);
    for (const command of ['verify', 'doctor']) {
      const args = next(`sequent ${command}`);
      await expect.poll(() => sequent.run(args, { cwd: folder }), { timeout: 60_000 }).toMatchObject({ code: 0 });
    }
    await expectNotified(other, BEFORE);
    await expectOpenAlone(other);
    await other.run(['fn', 'resume', 'test2']);
    expect(await other.run(['result', 'open', '--timeout', '1m'])).toMatchObject({ code: 0 });
    await invoke(other, ['after-1', 'after-2']);
    // The next test compares its backup with what the read model of this data folder knows.
    await expectNotified(other, ['after-1', 'after-2']);
  });

  test('that is restored below a data folder reports what came after it as a loss', { timeout: 240_000 }, async ({ folder }) => {
    await rm(join(folder, 'restored/nats/jetstream'), { recursive: true });
    await using restored = await serveRestored(folder);
    await expect
      .poll(() => restored.run(['loss', 'ls', '--json']), { timeout: 60_000 })
      .toMatchObject({ stdout: expect.stringMatching(/"lost": 2/) });
    await expectOpenAlone(restored);
    expect(await restored.run(['loss', 'acknowledge', 'all', '--note', 'restored'])).toMatchObject({ code: 0 });
    await expect.poll(() => restored.run(['doctor']), { timeout: 60_000 }).toMatchObject({ code: 0 });
  });

  test('can be a copy of a stopped data folder', { timeout: 240_000 }, async ({ folder }) => {
    await promisify(execFile)('sh', ['-c', next('cp').join(' ')], { cwd: folder });
    await using copy = await serve(folder, next('sequent serve'));
    expect(await copy.run(['verify'])).toMatchObject({ code: 0 });
    await expectOpenAlone(copy);
  });

  test('that is incomplete or was changed restores nothing, and streams that exist are not changed', { timeout: 240_000 }, async ({
    folder,
    server,
  }) => {
    await cp(join(folder, 'backups/monday'), join(folder, 'damaged'), { recursive: true });
    const env = { NATS_URL: server.url };
    const run = async (...args: string[]) => {
      return await runCli(args, { cwd: folder, env });
    };
    await appendFile(join(folder, 'damaged', INVOCATIONS, 'stream.tar.s2'), 'x');
    expect(await run('restore', 'damaged')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/the snapshot of INVOCATIONS has \d+ bytes instead of \d+/),
    });
    await rm(join(folder, 'damaged', INVOCATIONS), { recursive: true });
    expect(await run('restore', 'damaged')).toMatchObject({ code: 1, stderr: expect.stringMatching(/it lacks INVOCATIONS/) });
    expect(await run('backup', 'damaged')).toMatchObject({ code: 2, stderr: expect.stringMatching(/damaged is not empty/) });
    expect(await run('backup', 'empty')).toMatchObject({ code: 3, stderr: expect.stringMatching(/no stream INVOCATIONS/) });
    await describeWith(folder, 1);
    expect(await run('restore', 'backups/monday')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/ends at \d+, and the backup at/),
    });
    // The state of a description is of the begin of its snapshot, which also holds the messages that came meanwhile.
    await describeWith(folder, -2);
    expect(await run('restore', 'backups/monday')).toMatchObject({ code: 0 });
    expect(await run('restore', 'backups/monday')).toMatchObject({ code: 4, stderr: expect.stringMatching(/has .*INVOCATIONS/) });
    expect(await run('backup', 'again')).toMatchObject({ code: 0 });
  });
});

/** Moves the end of the log that the description of its snapshot names. */
async function describeWith(folder: string, by: number): Promise<void> {
  const file = join(folder, 'backups/monday', INVOCATIONS, 'backup.json');
  const description = JSON.parse(await readFile(file, 'utf8'));
  description.state.last_seq += by;
  await writeFile(file, JSON.stringify(description));
}

/** Restores the backup below the data folder of the first test, and starts all roles on it. */
async function serveRestored(folder: string): Promise<ServedSequent> {
  const { code, stderr } = await runCli(['restore', 'backups/monday', '--start-server', '--data', 'restored'], { cwd: folder });
  expect(code, stderr).toBe(0);
  return await serveSequent(['--http-port', '0'], join(folder, 'restored'));
}
