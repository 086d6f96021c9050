import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { receiverConnection, startDeliveringSystem, toHttp } from '#test/support/destinations/delivering-system.ts';
import { answer, openReceiver } from '#test/support/destinations/receiver.ts';
import { sharedByFile } from '#test/support/shared-by-file.ts';

const test = sharedByFile(() => startDeliveringSystem({ one: { kind: 'http', hosts: ['one.example.com'] } }, { SEQUENT_HTTP_PORT: '0' }));

describe('sequent connections', () => {
  test('reload uses a changed file at once, and keeps the content before when the file is broken', async ({ sequent }) => {
    const file = join(sequent.folder, 'connections.json');
    const names = async () => (await sequent.run(['connections', 'ls', '-o', 'name'])).stdout.trim();
    await writeFile(file, JSON.stringify({ two: { kind: 'http', hosts: ['two.example.com'] } }));
    const reloaded = await sequent.run(['connections', 'reload']);
    expect([reloaded.code, reloaded.stdout]).toEqual([0, expect.stringContaining(`1 connections of ${file} are in use`)]);
    await writeFile(file, '{');
    const broken = await sequent.run(['connections', 'reload']);
    expect([broken.code, broken.stderr]).toEqual([1, expect.stringContaining('is not valid JSON')]);
    expect(await names()).toBe('two');
  });

  test('test sends a test envelope, or says why it did not arrive', async ({ sequent }) => {
    await using receiver = await openReceiver(answer(200), answer(503));
    await writeFile(join(sequent.folder, 'connections.json'), JSON.stringify({ hook: receiverConnection(receiver) }));
    expect((await sequent.run(['connections', 'reload'])).code).toBe(0);
    const tried = () => sequent.run(['connections', 'test', 'hook', `${receiver.url}/hook`]);
    expect(await tried()).toMatchObject({ code: 0, stdout: `delivered to ${receiver.url}/hook by connection "hook"\n` });
    expect(receiver.received[0]?.body).toContain('a test of the connection');
    expect(await tried()).toMatchObject({ code: 1, stderr: expect.stringContaining('answered 503 Service Unavailable') });
    const unknown = await sequent.run(['connections', 'test', 'nobody', receiver.url]);
    expect(unknown).toMatchObject({ code: 1, stderr: expect.stringContaining('no connection "nobody" is configured; there are: hook') });
  });

  test('a port that is not allowed is refused by fn put and over HTTP, with the field to write in the file', async ({ sequent }) => {
    const file = join(sequent.folder, 'connections.json');
    const connection = { kind: 'http', hosts: ['hooks.example.com'] };
    const use = async (facts: object): Promise<void> => {
      await writeFile(file, JSON.stringify({ strict: { ...connection, ...facts } }));
      expect(await sequent.run(['connections', 'reload'])).toMatchObject({ code: 0 });
    };
    const destination = toHttp('https://hooks.example.com:9000/hook', 'strict');
    const put = (name: string) => sequent.run(['fn', 'put', name, '--subject', 'notes', '--on-success', JSON.stringify(destination)]);
    const gateway = /http:\/\/[^\s"]+/.exec(sequent.process.readyLine)?.[0] ?? '';
    const putOverHttp = (name: string) =>
      fetch(`${gateway}/api/functions/${name}`, {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ handler: { kind: 'subject', subject: 'notes' }, policy: { onSuccess: [destination] } }),
      });
    const problem =
      'policy.onSuccess[0] cannot be used: param.url may not be used: port 9000 is not allowed by connection "strict"; ' +
      `write {"ports":[9000]} in the connection "strict" of ${file}`;

    await use({});
    expect(await put('terminal')).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining(problem) });
    const refused = await putOverHttp('caller');
    expect([refused.status, await refused.json()]).toEqual([400, expect.objectContaining({ detail: expect.stringContaining(problem) })]);
    expect((await sequent.run(['fn', 'ls', '-o', 'name'])).stdout).toBe('');

    await use({ ports: [9_000] });
    expect(await put('terminal')).toMatchObject({ code: 0 });
    expect((await putOverHttp('caller')).status).toBe(200);
  });
});
