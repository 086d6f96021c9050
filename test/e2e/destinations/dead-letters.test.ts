import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { type DeliveringSystem, receiverConnection, startDeliveringSystem, toHttp } from '#test/support/destinations/delivering-system.ts';
import type { Receiver } from '#test/support/destinations/receiver.ts';
import { receiverTest } from '#test/support/destinations/receiver-test.ts';
import { closeLater } from '#test/support/folder-fixture.ts';

const file = new URL('../../support/destinations/functions.mjs', import.meta.url).pathname;

let status = 404;
const test = receiverTest((response) => void response.writeHead(status).end()).extend('sequent', { scope: 'file' }, ({ receiver }, scope) =>
  closeLater(startDeliveringSystem({ receiver: receiverConnection(receiver) }), scope),
);
let receiver: Receiver;
let sequent: DeliveringSystem;
let executions: string;
test.beforeAll(async ({ receiver: ownReceiver, sequent: own }) => {
  receiver = ownReceiver;
  sequent = own;
  executions = join(sequent.folder, 'executions');
  await sequent.client.functions.put({
    name: 'obey',
    handler: { kind: 'process', file, export: 'obey' },
    userData: { executions },
    policy: { maxRetries: 0, onSuccess: [toHttp(`${receiver.url}/hook`)] },
  });
});
test.beforeEach(async () => {
  status = 404;
  await writeFile(executions, '');
});

const executed = async (): Promise<string[]> => (await readFile(executions, 'utf8')).trim().split('\n').filter(Boolean);

/** Invokes, and waits until every delivery is settled. */
async function invoke(events: readonly object[], ids?: readonly string[]): Promise<string[]> {
  const invoked = await Promise.all(
    events.map((event, i) => sequent.client.invoke('obey', event, ids === undefined ? {} : { id: ids[i] ?? '' })),
  );
  const requestIds = invoked.map(({ requestId }) => requestId);
  await sequent.log.untilNotified(requestIds);
  return requestIds;
}

describe('a dead delivery', () => {
  test('is on the timeline and in the list with its reason, and a redrive delivers it without an execution', async () => {
    await invoke([{ value: 1 }], ['order-1']);
    const reason = `${receiver.url} answered 404 Not Found`;
    expect((await sequent.run(['timeline', 'order-1'])).stdout).toContain(`the delivery to http-0 was given up: ${reason}`);
    const listed = await sequent.run(['dest', 'dead', 'ls', '--json']);
    expect(JSON.parse(listed.stdout)).toEqual([
      { requestId: 'order-1', function: 'obey', destination: 'http-0', tries: 1, reason, at: expect.any(Number) },
    ]);
    const by = async (...args: string[]) => JSON.parse((await sequent.run(['dest', 'dead', 'ls', '--json', '--by', ...args])).stdout);
    expect(await by('function,destination')).toEqual([{ count: 1, function: 'obey', destination: 'http-0' }]);
    expect(await by('reason', '--reason', 'ANSWERED 404')).toEqual([{ count: 1, reason }]);
    expect(await by('reason', '--reason', 'elsewhere')).toEqual([]);
    expect((await sequent.run(['dest', 'dead', 'ls', '--by', 'colour'])).code).toBe(2);
    const shown = await sequent.run(['dest', 'dead', 'show', 'order-1']);
    expect(shown.code).toBe(0);
    for (const part of [
      reason,
      `${receiver.url}/hook`,
      '"request_payload":"{\\"value\\":1}"',
      'sequent dest dead redrive order-1 --destination http-0',
    ])
      expect(shown.stdout).toContain(part);

    status = 200;
    expect(await sequent.run(['dest', 'dead', 'redrive', 'order-1'])).toMatchObject({ code: 0, stdout: 'http-0 is redriven\n' });
    await sequent.log.until((fact) => fact.type === 'delivery.delivered');
    expect(sequent.log.facts.get('order-1')?.map(({ type }) => type)).toEqual([
      'queued',
      'running',
      'succeeded',
      'delivery.started',
      'delivery.dead',
      'notified',
      'delivery.redriven',
      'delivery.started',
      'delivery.delivered',
    ]);
    expect(await executed()).toEqual(['order-1']);
    expect(receiver.received.map(({ headers, body }) => [headers['webhook-id'], body])).toEqual(
      Array.from({ length: 2 }, () => ['order-1/obey/http-0', receiver.received[0]?.body]),
    );
    expect((await sequent.run(['timeline', 'order-1'])).stdout).toMatch(/delivery\.redriven +the delivery to http-0 was redriven/);
    expect((await sequent.run(['dest', 'dead', 'ls'])).stderr).toBe('no delivery was given up\n');
    expect(await sequent.run(['dest', 'dead', 'redrive', 'order-1'])).toMatchObject({
      code: 4,
      stderr: expect.stringContaining('no delivery of order-1 is dead'),
    });
    expect((await sequent.run(['dest', 'dead', 'show', 'nobody'])).code).toBe(3);
  });

  test('is redriven in bulk by a filter: first as a dry run, then at a rate', async () => {
    await sequent.client.functions.put({
      name: 'other',
      handler: { kind: 'process', file, export: 'obey' },
      policy: { onSuccess: [toHttp(receiver.url)] },
    });
    const { requestId: other } = await sequent.client.invoke('other', {});
    const ids = await invoke(Array.from({ length: 30 }, (_, i) => ({ value: i })));
    await sequent.log.untilNotified([other]);
    status = 200;

    expect(await sequent.run(['dest', 'dead', 'redrive', '--yes'])).toMatchObject({ code: 2 });
    expect(await sequent.run(['dest', 'dead', 'redrive', '--function', 'obey'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--yes'),
    });
    const dry = await sequent.run(['dest', 'dead', 'redrive', '--function', 'obey', '--since', '1h', '--dry-run', '-o', 'jsonl']);
    expect(
      dry.stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).requestId)
        .sort(),
    ).toEqual([...ids].sort());
    expect(dry.stderr).toBe('30 dead deliveries would be redriven; this was a dry run\n');
    expect(ids.flatMap((id) => sequent.log.facts.get(id) ?? []).some(({ type }) => type === 'delivery.redriven')).toBe(false);

    const askedAt = Date.now();
    const done = await sequent.run(['dest', 'dead', 'redrive', '--function', 'obey', '--destination', 'http', '--rate', '5/s', '--yes']);
    expect(done).toMatchObject({ code: 0, stderr: expect.stringMatching(/^\d+ of 30\n(.*\n)*30 dead deliveries redriven\n$/) });
    for (const id of ids) await sequent.log.until((fact) => fact.type === 'delivery.delivered' && fact.invocation === id);
    const lives = ids.flatMap((id) => sequent.log.facts.get(id) ?? []);
    const moments = lives.flatMap(({ type, at }) => (type === 'delivery.redriven' ? [at] : [])).sort((one, other) => one - other);
    process.stdout.write(`bulk redrive: ${moments.length} at 5/s within ${(moments.at(-1) ?? 0) - askedAt} ms\n`);
    expect(moments).toHaveLength(30);
    // The rate bounds how many have started at any time. One that starts late may have later ones close behind it.
    expect(moments.filter((at, index) => at - askedAt < index * 200)).toEqual([]);
    expect((await executed()).length).toBe(30);
    expect(JSON.parse((await sequent.run(['dest', 'dead', 'ls', '--json'])).stdout)).toMatchObject([{ requestId: other }]);
  });
});

describe('a delivery that a person settles', () => {
  test('is given up while it is still tried, and its invocation was redriven before', async () => {
    status = 503;
    const { requestId } = await sequent.client.invoke('obey', { value: 1 }, { id: 'order-3' });
    await sequent.log.until((fact) => fact.type === 'delivery.failed' && fact.invocation === requestId);
    const redriven = await sequent.run(['redrive', 'order-3']);
    expect(redriven).toMatchObject({ code: 0, stderr: '' });
    expect((await sequent.run(['dest', 'give-up', 'order-3'])).stderr).toContain('--note');
    const given = await sequent.run(['dest', 'give-up', 'order-3', '--note', 'the warehouse was told by phone']);
    expect(given).toMatchObject({ code: 0, stdout: 'the delivery to http-0 is given up\n' });
    await sequent.log.untilNotified(['order-3']);
    const { stdout } = await sequent.run(['timeline', 'order-3']);
    expect(stdout).toContain(`runs again as ${redriven.stdout.trim()}`);
    expect(stdout).toContain('the dead delivery to http-0 was dismissed: the warehouse was told by phone');
    const listed = await sequent.run(['dest', 'dead', 'ls', '-o', 'name']);
    expect(listed.stdout.split('\n')).not.toContain('order-3');
    expect((await sequent.run(['dest', 'give-up', 'order-3', '--note', 'again'])).code).toBe(4);
    const again = redriven.stdout.trim();
    await sequent.log.until((fact) => fact.type === 'delivery.failed' && fact.invocation === again);
    expect((await sequent.run(['dest', 'give-up', again, '--note', 'the same'])).code).toBe(0);
    await sequent.log.untilNotified([again]);
  });

  test('is dismissed when it is dead, and a redrive still delivers it', async () => {
    await invoke([{ value: 1 }], ['order-4']);
    const listed = async (): Promise<string[]> => (await sequent.run(['dest', 'dead', 'ls', '-o', 'name'])).stdout.split('\n');
    expect(await listed()).toContain('order-4');
    const dismissed = await sequent.run(['dest', 'dead', 'dismiss', 'order-4', '--note', 'refunded by hand']);
    expect(dismissed).toMatchObject({ code: 0, stdout: 'the delivery to http-0 is dismissed\n' });
    expect(await listed()).not.toContain('order-4');
    expect((await sequent.run(['dest', 'dead', 'dismiss', 'order-4', '--note', 'twice'])).code).toBe(4);
    expect((await sequent.run(['dest', 'dead', 'dismiss', '--note', 'all of them', '--yes'])).code).toBe(2);
    const bulk = await sequent.run(['dest', 'dead', 'dismiss', '--function', 'obey', '--note', 'x', '--dry-run']);
    expect(bulk.stderr).toContain('no dead delivery matches');
    status = 200;
    expect((await sequent.run(['dest', 'dead', 'redrive', 'order-4'])).code).toBe(0);
    await sequent.log.until((fact) => fact.type === 'delivery.delivered' && fact.invocation === 'order-4');
  });
});

describe('a redriven invocation', () => {
  test('is a new invocation, linked with the old one both ways, also with an edited payload', async () => {
    status = 200;
    await invoke([{ failUntil: 9 }], ['order-2']);
    const again = await sequent.run(['redrive', 'order-2', '-d', '{"value":"repaired"}']);
    expect(again).toMatchObject({ code: 0, stderr: '' });
    const redrive = again.stdout.trim();
    await sequent.log.untilNotified([redrive]);

    const [old, redriven] = await Promise.all(['order-2', redrive].map((id) => sequent.client.timeline(id)));
    expect(old?.transitions.at(-1)?.fact).toMatchObject({ type: 'redriven', redrive });
    expect(redriven?.transitions[0]?.fact).toMatchObject({ type: 'queued', redriveOf: 'order-2' });
    expect(redriven).toMatchObject({ status: 'SUCCESS', requestPayload: '{"value":"repaired"}' });
    expect((await sequent.run(['timeline', 'order-2'])).stdout).toContain(`runs again as ${redrive}`);
    expect((await sequent.run(['timeline', redrive])).stdout).toContain('runs order-2 again');
    expect(await executed()).toEqual(['order-2', redrive]);
    expect(await sequent.run(['redrive', 'order-2', '-d', 'nonsense'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('is not JSON'),
    });
    expect((await sequent.run(['redrive', 'nobody'])).code).toBe(3);
    expect((await sequent.run(['redrive'])).code).toBe(2);
  });

  test('may be every failed invocation without a redrive: first as a dry run, then at a rate', async () => {
    status = 200;
    const failed = await invoke(Array.from({ length: 20 }, () => ({ failUntil: 9 })));
    await invoke([{ value: 1 }]);
    const dry = await sequent.run([
      'redrive',
      '--failed',
      '--function',
      'obey',
      '--condition',
      'UnhandledInvocationError',
      '--dry-run',
      '-o',
      'name',
    ]);
    expect(dry.stdout.trim().split('\n').sort()).toEqual([...failed].sort());
    const before = (await executed()).length;
    const done = await sequent.run(['redrive', '--failed', '--since', '1h', '--rate', '20/s', '--yes', '-o', 'jsonl']);
    expect(done.code).toBe(0);
    const [, bulk = ''] = /bulk operation (\S+);/.exec(done.stderr) ?? [];
    expect((await sequent.run(['bulk', 'show', bulk])).stdout).toMatch(
      /^redrive \S+ of \S+: done\nsince=\d+\n20 done, 0 failed, 0 left out, of 20$/m,
    );
    expect(await sequent.run(['bulk', 'abort', bulk])).toMatchObject({ code: 4, stderr: expect.stringContaining('is over: done') });
    const redrives = done.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { requestId: string; redrive: string });
    await sequent.log.untilNotified(redrives.map(({ redrive }) => redrive));
    expect(redrives.map(({ requestId }) => requestId).sort()).toEqual([...failed].sort());
    expect((await executed()).length).toBe(before + 20);
    // The redriven invocations failed again, so they are listed, and the old ones are not.
    const remaining = await sequent.run(['redrive', '--failed', '--dry-run', '-o', 'name']);
    expect(remaining.stdout.trim().split('\n').sort()).toEqual(redrives.map(({ redrive }) => redrive).sort());
  });
});
