import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { LogSource, SourceEntry } from '#src/core/log/log-source.ts';
import { type Clock, systemClock, type Timers } from '#src/core/ports/clock.ts';
import { silentLogger } from '#src/core/ports/logger.ts';
import { openProjection } from '#src/projection/projection.ts';
import { createAnswers } from '#src/projection/queries/answers.ts';
import { reach } from '#src/projection/reach.ts';
import { createWrittenLog, type WrittenLog } from '#test/support/projection/written-log.ts';

const noTimers: Timers = { after: () => () => {}, every: () => () => {} };

const untilAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => (signal.aborted ? resolve() : signal.addEventListener('abort', () => resolve(), { once: true })));

/** A projection of a log with one request. */
async function projectionOf(follow: (log: WrittenLog) => LogSource['follow'], clock: Clock = systemClock) {
  const log = createWrittenLog();
  log.request('f', 'one', '{"n":1}');
  const source: LogSource = { ...log, follow: follow(log) };
  const folder = mkdtempSync(join(tmpdir(), 'sequent-replay-'));
  const projection = await openProjection({ source, folder, instance: 'p', clock, logger: silentLogger, timers: noTimers });
  expect(await reach(projection, 1, systemClock)).toBe(0);
  return {
    projection,
    log,
    decode: log.decode,
    async [Symbol.asyncDispose]() {
      await projection.stop();
      rmSync(folder, { recursive: true });
    },
  };
}

test('a query finds everything that was read of the log, however long the projection waits to store it', async () => {
  await using opened = await projectionOf((log) => async (from, onEntry, signal) => {
    await log.follow(from, onEntry, signal);
    await untilAborted(signal);
  });
  const { projection, decode } = opened;
  expect(await createAnswers(projection, decode).get({ id: 'one' })).toMatchObject({ function: 'f', payload: '{"n":1}' });
  expect(await projection.status()).toMatchObject({ sequence: 1, lag: 0, isReady: true });
});

test('a read model is behind since it last had the whole log, however long no message came before', async () => {
  let now = 0;
  const clock: Clock = { ...systemClock, now: () => now };
  await using opened = await projectionOf(
    (log) => async (from, onEntry, signal) => {
      await log.follow(from, onEntry, signal);
      await untilAborted(signal);
    },
    clock,
  );
  const { projection, log } = opened;
  now = 3_600_000;
  expect(await projection.status()).toMatchObject({ lag: 0, lagInMs: 0 });
  log.request('f', 'two', '{}', { at: now });
  now += 40;
  expect(await projection.status()).toMatchObject({ lag: 1, lagInMs: 40 });
});

describe('a check of the read model', () => {
  test('is refused when the log, which became shorter, contradicts the read model', async () => {
    const follows: Parameters<LogSource['follow']>[] = [];
    await using opened = await projectionOf((log) => async (...following) => {
      // The check finds a log that lost the message and does not reach its sequence again.
      if (follows.push(following) === 1) await log.follow(...following);
      await untilAborted(following[2]);
    });
    const check = opened.projection.check();
    await expect.poll(() => follows.length).toBe(2);
    const [[, onEntry]] = follows as [Parameters<LogSource['follow']>];
    onEntry(entryOf('shorter'));
    await expect(check).rejects.toThrow('the read model is rebuilt: message 1 was delivered again after message 1: the log became shorter');
  });

  test('ends when the projection stops', async () => {
    let follows = 0;
    const opened = await projectionOf((log) => async (...following) => {
      if (++follows === 1) await log.follow(...following);
      await untilAborted(following[2]);
    });
    const check = opened.projection.check();
    const refused = expect(check).rejects.toThrow('the projection ends');
    await opened[Symbol.asyncDispose]();
    await refused;
  });
});

/** Message 1 of another log. */
function entryOf(id: string): SourceEntry {
  const log = createWrittenLog();
  log.request('f', id, '{}');
  const entries: SourceEntry[] = [];
  void log.follow(1, (entry) => void entries.push(entry), new AbortController().signal);
  return entries[0] as SourceEntry;
}
