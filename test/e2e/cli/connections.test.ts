import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { receiverConnection, startDeliveringSystem } from '#test/support/destinations/delivering-system.ts';
import { answer, openReceiver } from '#test/support/destinations/receiver.ts';
import { sharedByFile } from '#test/support/shared-by-file.ts';

const test = sharedByFile(() => startDeliveringSystem({ one: { kind: 'http', hosts: ['one.example.com'] } }));

describe('sequent connections', () => {
  test('reload uses a changed file at once, and keeps the content before when the file is broken', async ({ sequent }) => {
    const file = join(sequent.folder, 'connections.json');
    const names = async () => (await sequent.run(['connections', 'ls', '-o', 'name'])).stdout.trim();
    await writeFile(file, JSON.stringify({ two: { kind: 'http', hosts: ['two.example.com'] } }));
    const reloaded = await sequent.run(['connections', 'reload']);
    expect([reloaded.code, reloaded.stdout]).toEqual([0, expect.stringContaining(`1 connections of ${file} are in use`)]);
    await writeFile(file, '{');
    const broken = await sequent.run(['connections', 'reload']);
    expect([broken.code, broken.stdout]).toEqual([1, expect.stringContaining('is not valid JSON')]);
    expect(await names()).toBe('two');
  });

  test('test sends a test envelope, or says why it did not arrive', async ({ sequent }) => {
    await using receiver = await openReceiver(answer(200), answer(503));
    await writeFile(join(sequent.folder, 'connections.json'), JSON.stringify({ hook: receiverConnection(receiver) }));
    expect((await sequent.run(['connections', 'reload'])).code).toBe(0);
    const tried = () => sequent.run(['connections', 'test', 'hook', `${receiver.url}/hook`]);
    expect(await tried()).toMatchObject({ code: 0, stdout: `delivered to ${receiver.url}/hook by connection "hook"\n` });
    expect(receiver.received[0]?.body).toContain('a test of the connection');
    expect(await tried()).toMatchObject({ code: 1, stdout: expect.stringContaining('answered 503 Service Unavailable') });
    const unknown = await sequent.run(['connections', 'test', 'nobody', receiver.url]);
    expect(unknown).toMatchObject({ code: 1, stdout: expect.stringContaining('no connection "nobody" is configured; there are: hook') });
  });
});
