import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { LogSource } from '#src/core/log/log-source.ts';
import { createLossBook } from '#src/core/log/losses/loss-book.ts';
import { createMemoryKeyValue } from '#src/core/memory/memory-key-value.ts';
import { systemClock } from '#src/core/ports/clock.ts';
import { silentLogger } from '#src/core/ports/logger.ts';
import { openProjection } from '#src/projection/projection.ts';
import { reach } from '#src/projection/reach.ts';
import { createWrittenLog } from '#test/support/projection/written-log.ts';

/* A disk that flips a bit takes messages before the end of the log (LOSS5). */

/** A log of ten requests, and a second one without some of the messages. Opens a read model of the first on the second. */
async function reopenedWithout(lost: readonly number[]) {
  const folder = mkdtempSync(join(tmpdir(), 'sequent-gaps-'));
  const log = createWrittenLog();
  for (let i = 1; i <= 10; i++) log.request('f', `r${i}`, '{}', { at: i * 1_000 });
  const book = createLossBook(createMemoryKeyValue());
  const losses = { book, folder: join(folder, 'losses'), host: 'host', by: 'projection' };
  const errors: string[] = [];
  const logger = { ...silentLogger, error: (_: object, text: string) => void errors.push(text) };
  const open = async (source: LogSource): Promise<void> => {
    const options = { source, folder: join(folder, 'model'), instance: 'p', clock: systemClock, logger, losses };
    const projection = await openProjection(options);
    await reach(projection, 10, systemClock);
    await projection.stop();
  };
  await open(log);
  const isKept = ({ sequence }: { sequence: number }): boolean => !lost.includes(sequence);
  const entries = log.entries.filter(isKept);
  await open({
    ...log,
    state: async () => ({ ...(await log.state()), messages: entries.length }),
    missing: async () => lost.length,
    firstFrom: async (sequence) => entries.find((entry) => entry.sequence >= sequence),
    fingerprintAt: async (sequence) => (lost.includes(sequence) ? undefined : await log.fingerprintAt(sequence)),
    follow: (from, onEntry, signal) => log.follow(from, (entry) => isKept(entry) && onEntry(entry), signal),
  });
  const found = await book.list();
  const files = found.map(({ affected }) => readFileSync(affected?.file?.replace(/^host:/, '') ?? '', 'utf8'));
  rmSync(folder, { recursive: true });
  return { found, errors, affected: files.join('').trim().split('\n') };
}

test('a read model names what the log lost before its end, before it is rebuilt without it', async () => {
  const { found, errors, affected } = await reopenedWithout([3, 4, 8]);
  expect(found).toMatchObject([
    {
      why: 'the log lost messages before its end, which were read before: 3 to 4, 8',
      keptUpTo: 2,
      lostUpTo: 8,
      affected: { lost: 3, changed: 0, ids: ['r8', 'r4', 'r3'] },
    },
  ]);
  expect(errors.join()).toContain('the log lost at most 6 acknowledged messages');
  expect(affected.map((line) => JSON.parse(line))).toMatchObject([
    { requestId: 'r8', isLost: true },
    { requestId: 'r4' },
    { requestId: 'r3' },
  ]);
});

test('a read model that lacks nothing of the log reports no loss', async () => {
  expect((await reopenedWithout([])).found).toEqual([]);
});
