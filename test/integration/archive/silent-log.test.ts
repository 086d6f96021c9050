import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import type { LogPurge } from '#src/core/log/log-purge.ts';
import type { LogSource } from '#src/core/log/log-source.ts';
import { openJanitorOn } from '#test/support/archive/opened-janitor.ts';
import { test } from '#test/support/fixtures.ts';
import { newStream } from '#test/support/log/opened-log.ts';
import { pausedAt } from '#test/support/log/paused-log.ts';
import { openNats } from '#test/support/nats/opened-nats.ts';
import { writeLog } from '#test/support/projection/write-log.ts';

describe('a janitor whose log delivers nothing for seconds while it is read', () => {
  test('purges no open invocation that it has not read yet (J8)', async ({ server: { url, dataDir } }) => {
    const archive = await mkdtemp(join(dataDir, 'archive-'));
    await using nats = await openNats(url);
    await writeLog(nats.connection, 20);
    const name = newStream('open');
    const { sequence } = await nats.ports.log.accept(name, [{ payload: '{}' }]);
    await writeLog(nats.connection, 100);

    const retention = { maxInvocations: 10 };
    const wrapPurge = (purge: LogPurge): LogPurge => ({ ...purge, purgeBefore: () => Promise.reject(new Error('ended before the purge')) });
    await using before = await openJanitorOn(url, archive, { retention, wrapPurge });
    await expect(before.janitor.work()).rejects.toThrow('ended before the purge');
    await before.janitor.stop();
    expect((await before.head())?.last).toBeGreaterThan(sequence);

    // The next janitor reads the log again, from its first message to the end of the archive.
    const wrapLog = (log: LogSource): LogSource => pausedAt(log, { sequence, pauseInMs: 5_000 });
    await using after = await openJanitorOn(url, archive, { retention, wrapLog });
    await after.janitor.work();
    expect(await nats.ports.log.readRequest(sequence)).toMatchObject({ name });
    expect((await nats.ports.log.firstFrom(1))?.sequence).toBe(sequence);
  });
});
