import { describe, expect, test } from 'vitest';
import type { PoolId } from '#src/core/functions/flow.ts';
import type { LogEntry, StreamName, WakeTimes } from '#src/core/log/event-log.ts';
import type { FunctionName, StreamId } from '#src/core/names/names.ts';
import { OpenStreams } from '#src/scheduler/open/open-streams.ts';

const orders = 'orders' as FunctionName;
const name = (stream: string, fn: FunctionName = orders): StreamName => ({ function: fn, stream: stream as StreamId });
const request = (sequence: number, stream: string, more: Partial<LogEntry & { kind: 'request' }> = {}): LogEntry => ({
  ...{ kind: 'request', sequence, at: sequence, name: name(stream), size: 10 },
  ...more,
});
const append = (sequence: number, stream: string, wakeTimes: WakeTimes): LogEntry => ({
  ...{ kind: 'append', sequence, at: sequence, name: name(stream), wakeTimes },
});
const waits = (text: string): WakeTimes => ({ inProgressSince: 1, waitsFor: text });

function open(...entries: LogEntry[]): OpenStreams {
  const streams = new OpenStreams({ patienceInMs: 100, unknownGraceInMs: 10, maxAgeOf: () => 60_000 });
  for (const entry of entries) streams.fold(entry);
  return streams;
}

describe('the first request without a place', () => {
  test('is the earliest one without an append, in its function alone', () => {
    const streams = open(
      request(1, 'other', { name: name('other', 'mails' as FunctionName) }),
      request(2, 'a'),
      request(3, 'b'),
      append(4, 'b', waits('0/1/function.orders/x')),
    );
    expect(streams.unsorted.firstOf(orders)).toBe(2);
    streams.fold(append(5, 'a', waits('0/1/function.orders/x')));
    expect(streams.unsorted.firstOf(orders)).toBe(Number.POSITIVE_INFINITY);
    streams.fold(request(6, 'c'));
    expect(streams.unsorted.firstOf(orders)).toBe(6);
    streams.fold(append(7, 'c', {}));
    expect(streams.unsorted.firstOf(orders)).toBe(Number.POSITIVE_INFINITY);
  });

  test('is that of a message of several requests until all of them have a place', () => {
    const streams = open(request(1, 'batch', { isBatch: true }), append(2, 'batch', waits('+0/1/function.orders/x')));
    expect(streams.unsorted.firstOf(orders)).toBe(1);
    streams.fold(append(3, 'batch', waits('0/1/function.orders/x,1/1/function.orders/y')));
    expect(streams.unsorted.firstOf(orders)).toBe(Number.POSITIVE_INFINITY);
    streams.fold(append(4, 'batch', waits('+1/1/function.orders/y')));
    expect(streams.unsorted.firstOf(orders)).toBe(Number.POSITIVE_INFINITY);
  });

  test('is none of a message whose requests ended without a wait, once an inspection says so', () => {
    const streams = open(request(1, 'batch', { isBatch: true }), append(2, 'batch', { inProgressSince: 2 }));
    expect(streams.unsorted.firstOf(orders)).toBe(1);
    const found = streams.find(name('batch'));
    if (found === undefined) throw new Error('the stream is not open');
    streams.takeWaits(found, { waitsFor: undefined, isSorted: true });
    expect(streams.unsorted.firstOf(orders)).toBe(Number.POSITIVE_INFINITY);
  });

  test('is no delayed request, which takes its place when it waits', () => {
    const streams = open(request(1, 'delayed', { dueAt: 9_000 }), request(2, 'b'));
    expect(streams.unsorted.firstOf(orders)).toBe(2);
  });

  test('is found again when the log is read from its beginning after a loss', () => {
    const streams = open(request(1, 'a'), request(2, 'b'), append(3, 'a', waits('0/1/function.orders/x')));
    expect(streams.unsorted.firstOf(orders)).toBe(2);
    streams.fold(request(1, 'a'));
    expect(streams.unsorted.firstOf(orders)).toBe(1);
  });
});

describe('the streams that wait for one key', () => {
  const first = ({ waiting }: OpenStreams, count: number): number[] => {
    const key = waiting.pools.get('function.orders' as PoolId)?.add('orders' as FunctionName, 'x');
    return key?.first(count).map(({ request: sequence, wait }) => sequence * 10 + wait.index) ?? [];
  };

  test('are in the order of the log, whenever they began to wait', () => {
    const streams = open(request(1, 'a'), request(2, 'b'), request(3, 'c'), append(4, 'c', waits('0/1/function.orders/x')));
    expect(first(streams, 2)).toEqual([30]);
    streams.fold(append(5, 'b', waits('0/1/function.orders/x')));
    expect(first(streams, 2)).toEqual([20, 30]);
    streams.fold(append(6, 'a', waits('0/2/function.orders/x')));
    expect(first(streams, 2)).toEqual([10, 20]);
  });

  test('are in the order of their message when they share one', () => {
    const text = [5, 3, 4, 1].map((index) => `${index}/1/function.orders/x`).join(',');
    const streams = open(request(1, 'batch', { isBatch: true }), append(2, 'batch', waits(text)));
    expect(first(streams, 3)).toEqual([11, 13, 14]);
  });
});
