import { describe, expect } from 'vitest';
import { LogFullError } from '#src/core/errors.ts';
import { INVOCATIONS } from '#src/nats/wire/topology.ts';
import { sharedTest as test } from '#test/support/fixtures.ts';
import { newStream } from '#test/support/log/opened-log.ts';
import { startTestServer, type TestServer } from '#test/support/nats/nats-server.ts';
import { type OpenedNats, openNats, topology } from '#test/support/nats/opened-nats.ts';
import { startSystem } from '#test/support/nats/running-system.ts';

// A server of its own, because the test limits the size of the log.

let server: TestServer;
test.beforeAll(({ server: own }) => {
  server = own;
});

const MAX_BYTES = 16 * 1_024 ** 2;
const SMALL_MAX_BYTES = 2 * 1_024 ** 2;
/** A log that admitted requests up to its limit would hold more of them. */
const TOO_MANY = 6_000;
const payload = JSON.stringify('x'.repeat(2_000));

async function subjectsOf({ connection }: Pick<OpenedNats, 'connection'>): Promise<string[]> {
  return (await connection.manager.streams.info(INVOCATIONS)).config.subjects;
}

/** Accepts requests until the log refuses one. Returns the ids of the accepted ones, and the refusal. */
async function acceptUntilRefused({ ports }: OpenedNats): Promise<{ ids: string[]; refusal: unknown }> {
  const ids: string[] = [];
  while (ids.length < TOO_MANY) {
    const name = newStream();
    try {
      await ports.log.accept(name, [{ payload }]);
      ids.push(name.stream);
    } catch (refusal) {
      return { ids, refusal };
    }
  }
  return { ids, refusal: undefined };
}

describe('a log with a size limit', () => {
  test('refuses requests while accepted ones need its space; these end, and it accepts again', { timeout: 60_000 }, async () => {
    let release = () => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    await using _limited = await openNats(server.url, { topology: { ...topology, sizes: { log: MAX_BYTES } } });
    await using system = await startSystem(server.url, new Map([['orders', () => released]]));

    const { ids, refusal } = await acceptUntilRefused(system);
    expect(refusal).toBeInstanceOf(LogFullError);
    expect(String(refusal)).toMatch(/the log accepts nothing more: its remaining space is kept for the invocations that it accepted/);
    await expect(system.publish('orders', payload)).rejects.toMatchObject({ code: '503' });

    // A role that starts meanwhile makes the log accept nothing.
    await using role = await openNats(server.url);
    expect(await subjectsOf(role)).toEqual(['invocation.*.*', 'wake.*', 'deliver.*', 'erase.*']);

    release();
    await system.settled();
    await expect.poll(() => subjectsOf(system), { timeout: 30_000 }).toContain('invoke.*');
    await Promise.all(ids.map((id) => system.resultFor(id)));
    const { sequence } = await system.ports.log.accept(newStream(), [{ payload }]);
    expect((await system.resultOf(sequence)).subject).toBe('result.orders.succeeded');
  });
  test('that filled up without a scheduler ends everything when one starts before the limit is raised', {
    timeout: 60_000,
  }, async () => {
    await using own = await startTestServer();
    const limited = (log: number) => openNats(own.url, { topology: { ...topology, sizes: { log } } });
    await using client = await limited(SMALL_MAX_BYTES);
    const { ids, refusal } = await acceptUntilRefused(client);
    expect(String(refusal)).toMatch(/the log accepts nothing more: .*maximum bytes/);

    await using system = await startSystem(own.url, new Map([['orders', async () => 'done']]));
    await expect.poll(() => subjectsOf(system), { timeout: 30_000 }).not.toContain('invoke.*');
    await expect(system.publish('orders', payload)).rejects.toMatchObject({ code: '503' });
    await using _raised = await limited(4 * MAX_BYTES);
    await expect.poll(() => subjectsOf(system), { timeout: 30_000 }).toContain('invoke.*');
    await Promise.all(ids.map((id) => system.resultFor(id)));
  });
});
