import { randomBytes } from 'node:crypto';
import { expect } from 'vitest';
import { userOfRole } from '#src/nats/permissions/permission-formats.ts';
import { test } from '#test/support/fixtures.ts';
import { startGuardedServer } from '#test/support/nats/guarded-server.ts';
import { openNats } from '#test/support/nats/opened-nats.ts';

const MB = 1_048_576;
const archive = randomBytes(20 * MB);

/** The most that a counter grew within one turn of the event loop while a work was in progress. */
async function mostInOneTurn(work: Promise<unknown>, count: () => number): Promise<number> {
  let [most, before, isOver] = [0, count(), false];
  void work.finally(() => {
    isOver = true;
  });
  while (!isOver) {
    await new Promise((resolve) => setImmediate(resolve));
    most = Math.max(most, count() - before);
    before = count();
  }
  await work;
  return most;
}

test('a large package stands before no other message of its process, and leaves it the thread (SHARE1)', async ({ server }) => {
  await using opened = await openNats({ servers: server.url });
  const { connection, ports } = opened;
  const shared = (): number => connection.nats.stats().inBytes + connection.nats.stats().outBytes;
  const before = shared();
  const contents = (await connection.forContents()).nats;
  const put = ports.packages.put(archive, 'a');
  expect(await mostInOneTurn(put, () => contents.stats().outBytes)).toBeLessThan(MB);
  const digest = await put;
  const read = ports.packages.get(digest, 'a');
  expect(await mostInOneTurn(read, () => contents.stats().inBytes)).toBeLessThan(MB);
  expect(Buffer.from((await read) ?? []).equals(archive)).toBe(true);
  expect(shared() - before).toBeLessThan(MB);
});

test('each role that runs, shows or stores code reads packages with its permissions', async () => {
  const roles = ['operator', 'gateway', 'worker'] as const;
  await using guarded = await startGuardedServer(
    { admin: {} },
    roles.map((role) => userOfRole(role)).map(({ name, permissions }) => ({ name, permissions })),
  );
  await using owner = await openNats(guarded.as('admin'));
  const digest = await owner.ports.packages.put(Buffer.from('code'), 'a');
  for (const role of roles) {
    await using opened = await openNats({ ...guarded.as(`sequent_${role}`), role });
    expect([role, Buffer.from((await opened.ports.packages.get(digest, 'a')) ?? []).toString()]).toEqual([role, 'code']);
  }
});
