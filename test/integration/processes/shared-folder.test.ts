import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, vi } from 'vitest';
import { ensureServer } from '#src/main/nats-server/fetch.ts';
import { withLock } from '#src/main/nats-server/lock.ts';
import { embeddedTest as test } from '#test/support/nats/embedded-fixtures.ts';
import { endProcess, endServersOn, serversOn, spawnSequent, startSequent } from '#test/support/nats/embedded-servers.ts';

const { bin } = await ensureServer();

describe('two Sequent processes on one data folder', () => {
  test('share one server, which stays until the second has stopped too (N-3)', async ({ dataDir, start }) => {
    const first = await start();
    const second = await start();
    expect(second).toMatchObject({ url: first.url, pid: first.pid, adopted: true });
    await first.stop();
    expect(await serversOn(dataDir)).toEqual([second.pid]);
    await second.stop();
    expect(await serversOn(dataDir)).toEqual([]);
  });

  test('that start and stop at the same moment start one server, and end it (N-1)', async ({ dataDir, start }) => {
    const servers = await Promise.all([start(), start(), start(), start()]);
    expect(servers.filter(({ adopted }) => !adopted)).toHaveLength(1);
    expect(new Set(servers.map(({ pid }) => pid))).toEqual(new Set(await serversOn(dataDir)));
    await Promise.all(servers.map((server) => server.stop()));
    expect(await serversOn(dataDir)).toEqual([]);
  });

  test('go on after their server is killed: one restarts it, the other joins (N-2)', async ({ dataDir, start }) => {
    const [first, second] = [await start(), await start()];
    const { pid, url } = first;
    process.kill(pid, 'SIGKILL');
    await vi.waitFor(() => expect([first.pid, second.pid]).not.toContain(pid), { timeout: 20_000 });
    expect(await serversOn(dataDir)).toEqual([first.pid]);
    expect(second).toMatchObject({ url, pid: first.pid });
  });

  test('in two processes: the first one stopped by a signal leaves the server to the second', async ({ dataDir, start }) => {
    const first = await startSequent(bin, dataDir);
    const second = await start();
    await endProcess(first.process, 'SIGTERM');
    expect(await serversOn(dataDir)).toEqual([second.pid]);
  });

  test('that ask for different durabilities share the first server, and the second sees its durability', async ({ start }) => {
    const first = await start({ fsync: '100ms' });
    expect(await start({ fsync: 'always' })).toMatchObject({ pid: first.pid, fsync: '100ms' });
  });
});

describe('a killed Sequent process', () => {
  test('leaves its server to the next one on the folder, which ends it when it stops', async ({ dataDir, start }) => {
    const killed = await startSequent(bin, dataDir);
    await endProcess(killed.process, 'SIGKILL');
    expect(await serversOn(dataDir)).toEqual([killed.pid]);
    const next = await start();
    expect(next).toMatchObject({ pid: killed.pid, url: killed.url, adopted: true });
    await next.stop();
    expect(await serversOn(dataDir)).toEqual([]);
  });

  test('has its server replaced, on the same port, when the next one needs another durability', async ({ dataDir, start }) => {
    const killed = await startSequent(bin, dataDir);
    await endProcess(killed.process, 'SIGKILL');
    const next = await start({ fsync: 'always' });
    expect(next).toMatchObject({ url: killed.url, adopted: false, fsync: 'always' });
    expect(await serversOn(dataDir)).toEqual([next.pid]);
  });

  test('together with its server does not hinder the next one', async ({ dataDir, start }) => {
    const killed = await startSequent(bin, dataDir);
    // It would start another server if it saw the end of its own one.
    killed.process.kill('SIGSTOP');
    process.kill(killed.pid, 'SIGSTOP');
    process.kill(killed.pid, 'SIGKILL');
    await endProcess(killed.process, 'SIGKILL');
    expect(await start()).toMatchObject({ url: killed.url, adopted: false });
  });

  test('by a Ctrl-C to its whole process group does not take the server with it', async ({ dataDir }) => {
    const interrupted = await startSequent(bin, dataDir);
    process.kill(-(interrupted.process.pid ?? 0), 'SIGINT');
    await vi.waitFor(() => expect(interrupted.process.signalCode).toBe('SIGINT'), { timeout: 20_000 });
    expect(await serversOn(dataDir)).toEqual([interrupted.pid]);
  });

  test('in the middle of a start, at any moment, never leads to a second server (N-1)', async ({ dataDir, start }) => {
    const seen = new Set<number>();
    for (let round = 0; round < 10; round++) {
      const joins = (await serversOn(dataDir)).length > 0;
      const sequent = spawnSequent(bin, dataDir);
      if (joins) await delay(150 + 20 * round);
      else await vi.waitFor(async () => expect(await serversOn(dataDir)).toHaveLength(1), { timeout: 20_000, interval: 1 });
      await delay(round % 4);
      await endProcess(sequent, 'SIGKILL');
      const running = await serversOn(dataDir);
      expect(running.length).toBeLessThanOrEqual(1);
      for (const pid of running) seen.add(pid);
      if (round % 3 === 2) await endServersOn(dataDir);
    }
    expect(seen.size).toBeGreaterThan(1);
    const next = await start();
    expect(await serversOn(dataDir)).toEqual([next.pid]);
  });
});

describe('the lock of a folder', () => {
  test('has one holder at a time, however many wait', async ({ dataDir }) => {
    let inside = 0;
    let max = 0;
    const holders = Array.from({ length: 12 }, () =>
      withLock(dataDir, async () => {
        max = Math.max(max, ++inside);
        await delay(1);
        inside--;
      }),
    );
    await Promise.all(holders);
    expect(max).toBe(1);
  });

  test('is released when the guarded function throws', async ({ dataDir }) => {
    await expect(withLock(dataDir, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await withLock(dataDir, () => Promise.resolve('in'))).toBe('in');
  });

  test('throws the error of its file at once, without waiting', async ({ dataDir }) => {
    await writeFile(join(dataDir, 'lock.db'), 'no database'.repeat(100));
    await expect(withLock(dataDir, () => Promise.resolve('in'))).rejects.toThrow('not a database');
  });

  test('ends a wait with an error after its limit', async ({ dataDir }) => {
    await withLock(dataDir, async () => {
      await expect(withLock(dataDir, () => Promise.resolve(), 50)).rejects.toThrow('did not happen within 50 ms');
    });
  });
});
