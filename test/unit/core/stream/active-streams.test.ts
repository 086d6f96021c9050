import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { LogBehindError } from '#src/core/errors.ts';
import type { RequestMessage, StreamName, StreamVersion } from '#src/core/log/event-log.ts';
import { createMemoryLog } from '#src/core/memory/memory-log.ts';
import { silentLogger } from '#src/core/ports/logger.ts';
import { ActiveStreams, type RunResult } from '#src/core/stream/active-streams.ts';
import { initialState, type StreamState } from '#src/core/stream/stream.ts';
import type { WorkItem } from '#src/core/stream/work-queue.ts';
import { newStream, until } from '#test/support/log/opened-log.ts';

describe('an active stream whose log fails', () => {
  const name = newStream();
  const unhandled: unknown[] = [];
  const onUnhandled = (reason: unknown): void => void unhandled.push(reason);
  let warnings: object[];
  let notices: object[];
  let settled: string[];
  /** The promises that the run awaits, in the order of its calls. */
  let advances: Deferred<RunResult>[];
  let refreshes: Deferred<void>[];
  let activeStreams: ActiveStreams;

  beforeEach(() => {
    unhandled.length = 0;
    process.on('unhandledRejection', onUnhandled);
    [warnings, notices, settled, advances, refreshes] = [[], [], [], [], []];
    activeStreams = new ActiveStreams({
      log: createMemoryLog({ clock: { now: () => 7 } }),
      logger: { ...silentLogger, warn: (facts) => void warnings.push(facts), info: (facts) => void notices.push(facts) },
      createRun: () => ({ advance: () => next(advances), refresh: () => next(refreshes) }),
      onRunEnd: () => {},
      onLeftUnacked: (item) => void settled.push(`left ${item.request}`),
    });
  });

  afterEach(() => {
    process.off('unhandledRejection', onUnhandled);
  });

  test('lets no rejection escape when two refreshes reject while the first advance is awaited', async () => {
    for (const request of [1, 2, 3]) activeStreams.take(item(name, request, settled));
    await until(() => refreshes.length === 2);
    for (const { reject } of refreshes) reject(new Error('the log does not answer'));
    await turn();
    expect({ unhandled, size: activeStreams.size }).toEqual({ unhandled: [], size: 1 });
    advances[0]?.reject(new Error('the log does not answer'));
    await until(() => activeStreams.size === 0);
    await turn();
    expect(unhandled).toEqual([]);
    expect(warnings).toEqual([{ function: name.function, stream: name.stream, error: 'the log does not answer' }]);
  });

  test('lets no rejection escape when a refresh rejects after the first advance did', async () => {
    for (const request of [1, 2]) activeStreams.take(item(name, request, settled));
    await until(() => refreshes.length === 1);
    advances[0]?.reject(new Error('the log is full'));
    await turn();
    refreshes[0]?.reject(new Error('the log does not answer'));
    await until(() => activeStreams.size === 0);
    await turn();
    expect(unhandled).toEqual([]);
  });

  test('acknowledges no item, although another recheck succeeded (ITEM3)', async () => {
    for (const request of [1, 2, 3]) activeStreams.take(item(name, request, settled));
    await until(() => refreshes.length === 2);
    refreshes[0]?.reject(new Error('the log does not answer'));
    refreshes[1]?.resolve();
    await until(() => advances.length === 2);
    for (const { resolve } of advances) resolve('settled');
    await until(() => activeStreams.size === 0);
    expect(settled).toEqual(['left 1', 'left 2', 'left 3']);
  });

  test('is given up without a warning, in one line, when the log only lags', async () => {
    for (const request of [1, 2]) activeStreams.take(item(name, request, settled));
    await until(() => refreshes.length === 1);
    const behind = new LogBehindError({ stream: name.stream, version: 7, waitedInMs: 6_350 });
    advances[0]?.reject(behind);
    refreshes[0]?.reject(behind);
    await until(() => activeStreams.size === 0);
    expect({ warnings, notices: notices.length, settled }).toEqual({ warnings: [], notices: 1, settled: ['left 1', 'left 2'] });
  });

  test('is not opened again before everything that was started for it has ended (ITEM1)', async () => {
    for (const request of [1, 2]) activeStreams.take(item(name, request, settled));
    await until(() => refreshes.length === 1);
    advances[0]?.reject(new Error('the log is full'));
    await turn();
    // The run has failed, so the item stays unacknowledged, and its next delivery reads the log first.
    activeStreams.take(item(name, 3, settled));
    await turn();
    expect({ rechecks: refreshes.length, size: activeStreams.size }).toEqual({ rechecks: 1, size: 1 });
    refreshes[0]?.resolve();
    await until(() => advances.length === 2);
    advances[1]?.resolve('settled');
    await until(() => activeStreams.size === 0);
    expect(settled).toEqual(['left 1', 'left 2', 'left 3']);
  });
});

describe('an item that joins a run at version 7 of its stream', () => {
  test.for([
    ['reads nothing when its sender knew version 7', 7, 0],
    ['reads the log when its sender knew version 8', 8, 1],
    ['reads the log when it names no version', undefined, 1],
  ] as const)('%s', async ([, version, reads]) => {
    const name = newStream();
    const ended: string[] = [];
    const advances: Deferred<RunResult>[] = [];
    let refreshes = 0;
    const state = { ...(item(name, 1, ended).state as StreamState), version: 7 as StreamVersion };
    const activeStreams = new ActiveStreams({
      log: createMemoryLog({ clock: { now: () => 7 } }),
      logger: silentLogger,
      createRun: () => ({ state, advance: () => next(advances), refresh: async () => void refreshes++ }),
      onRunEnd: () => {},
    });
    activeStreams.take(item(name, 1, ended));
    await until(() => advances.length === 1);
    activeStreams.take({ ...item(name, 2, ended), state: undefined, version: version as StreamVersion | undefined });
    await until(() => advances.length === 2);
    for (const { resolve } of advances) resolve('settled');
    await until(() => activeStreams.size === 0);
    expect({ refreshes, ended }).toEqual({ refreshes: reads, ended: ['acknowledged 1', 'acknowledged 2'] });
  });
});

type Deferred<Value> = { resolve: (value: Value) => void; reject: (reason: unknown) => void };

function next<Value>(calls: Deferred<Value>[]): Promise<Value> {
  return new Promise((resolve, reject) => calls.push({ resolve, reject }));
}

/** Node reports unhandled rejections between two turns of its event loop. */
async function turn(): Promise<void> {
  for (let turns = 0; turns < 3; turns++) await new Promise((resolve) => setImmediate(resolve));
}

function item(name: StreamName, request: number, settled: string[]): WorkItem {
  const message: RequestMessage = { name, sequence: 1, at: 7, hash: '', requests: [] };
  return {
    name,
    request,
    sequence: request,
    state: initialState(message),
    isFirstDelivery: false,
    ack: () => void settled.push(`acknowledged ${request}`),
    release: () => void settled.push(`released ${request}`),
    working: () => {},
    delayRedelivery: () => {},
  };
}
