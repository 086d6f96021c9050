import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { filesWith } from '#test/support/archive/files-with.ts';
import { type CliRun, type ServedSequent, serveSequent } from '#test/support/cli/cli.ts';

const folder = await mkdtemp(join(tmpdir(), 'sequent-keys-'));
afterAll(() => rm(folder, { recursive: true }));

/** Runs a command that must succeed; with the keys, it shows payloads. */
async function run(sequent: ServedSequent, args: readonly string[], env: Record<string, string> = {}): Promise<CliRun> {
  const ran = await sequent.run(args, { env });
  expect(`${ran.code} ${ran.stderr}`).toMatch(/^0 /);
  return ran;
}

describe('the keys of a deployment', () => {
  test('encrypt a project, are rotated without a restart, and erase it for ever', { timeout: 240_000 }, async () => {
    const keyFile = join(folder, 'master.keys');
    const withKey = { SEQUENT_ENCRYPTION_KEY: keyFile };
    const secret = `Ada${randomBytes(9).toString('hex')}`;
    const invoke = ['invoke', 'hello', '-d', JSON.stringify({ name: secret }), '--wait', '-o', 'json'];
    await writeFile(keyFile, `k1 ${randomBytes(32).toString('base64')}\n`, { mode: 0o600 });
    await using sequent = await serveSequent(['--deploy-examples', '--http-port', '0', '--encryption-command', `cat '${keyFile}'`]);

    expect((await sequent.run(['project', 'encrypt', 'default'])).stderr).toContain('needs the keys of the encryption');
    expect((await sequent.run(['project', 'encrypt', 'unknown'], { env: withKey })).stderr).toContain('SEQUENT_PROJECT=unknown');
    await run(sequent, ['project', 'encrypt', 'default', '--encryption-key', keyFile]);
    const refused = await sequent.run(invoke);
    expect([refused.code, refused.stderr]).toEqual([5, expect.stringContaining('this process has no key')]);
    const first = await run(sequent, invoke, withKey);
    expect(first.stdout).toContain(`Hello, ${secret}!`);

    const rotated = await run(sequent, ['keys', 'rotate', '--new-master-key', '--encryption-key', keyFile, '-o', 'json']);
    expect(JSON.parse(rotated.stdout)).toMatchObject({ master: expect.stringMatching(/^k\d{14}$/), renewed: 1, wrapped: 2 });
    const [newLine = '', oldLine = ''] = (await readFile(keyFile, 'utf8')).split('\n');
    expect([newLine.split(' ')[0], oldLine.split(' ')[0]]).toEqual([JSON.parse(rotated.stdout).master, 'k1']);
    await writeFile(keyFile, `${newLine}\n`);
    sequent.process.kill('SIGHUP');
    expect((await run(sequent, invoke, withKey)).stdout).toContain(`Hello, ${secret}!`);
    const { requestId: id } = JSON.parse(first.stdout) as { requestId: string };
    // The read model follows the log.
    const shown = async () => (await run(sequent, ['get', id, '-o', 'json'], withKey)).stdout;
    await expect.poll(shown, { timeout: 60_000 }).toContain(secret);
    expect((await run(sequent, ['get', id, '-o', 'json'])).stdout).toContain('sealed:2.1.');
    expect((await run(sequent, ['verify'])).stderr).toContain('no finding');
    expect(await filesWith(secret, sequent.dataDir)).toEqual([]);

    expect((await sequent.run(['project', 'erase', 'default'])).stderr).toContain('sequent project erase default --yes');
    await run(sequent, ['project', 'erase', 'default', '--yes', '--reason', 'end of the contract']);
    const { stdout } = await run(sequent, ['get', id, '-o', 'json'], withKey);
    expect([stdout.includes(secret), stdout.includes('(erased with its project)')]).toEqual([false, true]);
    const { stdout: listed } = await run(sequent, ['project', 'ls', '-o', 'json']);
    expect(JSON.parse(listed)).toMatchObject([{ project: 'default', payloads: 'erased', erasures: [{ reason: 'end of the contract' }] }]);
    expect((await run(sequent, ['audit', '--action', 'project.erase', '-o', 'jsonl'])).stdout).toContain('"by":"operator:');
    // The new data key is wrapped with the new master key alone, so the roles have read the command's output again.
    await run(sequent, ['project', 'encrypt', 'default'], withKey);
    expect((await run(sequent, invoke, withKey)).stdout).toContain(`Hello, ${secret}!`);
  });
});
