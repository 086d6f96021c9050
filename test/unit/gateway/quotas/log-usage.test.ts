import { describe, expect, test } from 'vitest';
import type { FullLogEntry } from '#src/core/log/event-log.ts';
import { countUsage, type UsageCount } from '#src/gateway/quotas/log-usage.ts';

type Message = { entry: FullLogEntry; bytes: number };

const at = 0;

function request(sequence: number, name: string, payload = '{}'): FullLogEntry {
  const requests = [{ fact: { type: 'queued', invocation: `i${sequence}`, at }, payload }];
  return { kind: 'request', sequence, at, message: { name: { function: name }, requests } } as unknown as FullLogEntry;
}

function append(sequence: number, name: string, fact: object): FullLogEntry {
  return { kind: 'append', sequence, at, name: { function: name }, append: { facts: [fact] } } as unknown as FullLogEntry;
}

/** A log whose messages the test stores and removes. Every look at its extent waits for `look`. */
function openLog() {
  const messages = new Map<number, Message>();
  const readers = new Set<(message: Message) => void>();
  const starts: number[] = [];
  const waiting: (() => void)[] = [];
  const log = {
    followFully(from: number, onEntry: (entry: FullLogEntry, bytes?: number) => void, signal: AbortSignal) {
      starts.push(from);
      const reader = ({ entry, bytes }: Message): void => onEntry(entry, bytes);
      for (const [sequence, message] of messages) if (sequence >= from) reader(message);
      readers.add(reader);
      return new Promise<void>((resolve) => {
        signal.addEventListener('abort', () => {
          readers.delete(reader);
          resolve();
        });
      });
    },
  };
  const extent = async () => ({ first: Math.min(...messages.keys()), last: Math.max(...messages.keys()), messages: messages.size });
  const sleep = (_: number, signal?: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      waiting.push(resolve);
      if (signal?.aborted) resolve();
      signal?.addEventListener('abort', () => resolve());
    });
  const count: UsageCount = countUsage({ log, clock: { now: () => 0, sleep }, from: 5, extent });
  return {
    count,
    starts,
    messages,
    store(entry: FullLogEntry, bytes: number): void {
      messages.set(entry.sequence, { entry, bytes });
      for (const reader of readers) reader({ entry, bytes });
    },
    async look(): Promise<void> {
      await turns();
      for (const resume of waiting.splice(0)) resume();
      await turns();
    },
  };
}

async function turns(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}

describe('the usage of the log', () => {
  test('is read from the oldest open invocation on, and from the first message when bytes are asked for', async () => {
    const { count, starts, store } = openLog();
    store(request(1, 'greet'), 10);
    expect(count.read({ bytes: false })).toEqual({ sequence: 0, open: {} });
    store(request(5, 'shop=greet'), 20);
    expect(count.read({ bytes: false })).toEqual({ sequence: 5, open: { shop: 1 } });
    expect(count.read({ bytes: true })).toEqual({ sequence: 5, open: { '': 1, shop: 1 }, stored: { '': 10, shop: 20 } });
    expect(starts).toEqual([5, 1]);
    await count.close();
  });

  test('has the large payloads, values and outputs that the messages refer to', async () => {
    const { count, store } = openLog();
    const reference = (bytes: number): string => `stored:1.${bytes}.${'d'.repeat(43)}`;
    store(request(1, 'greet', reference(1_000_000)), 80);
    store(append(2, 'greet', { type: 'succeeded', stored: reference(20_000), storedOutput: { reference: reference(3_000) } }), 100);
    expect(count.read({ bytes: true }).stored).toEqual({ '': 1_023_180 });
    await count.close();
  });

  test('is without what the retention removed from the beginning of the log', async () => {
    const { count, store, messages, look } = openLog();
    for (let sequence = 1; sequence <= 4_096; sequence++) store(request(sequence, 'greet'), 10);
    expect(count.read({ bytes: true }).stored).toEqual({ '': 40_960 });
    for (let sequence = 1; sequence < 2_048; sequence++) messages.delete(sequence);
    await look();
    expect(count.read({ bytes: true }).stored).toEqual({ '': 20_490 });
    await count.close();
  });

  test('is counted again when the retention removed many messages between others', async () => {
    const { count, store, messages, look, starts } = openLog();
    for (let sequence = 1; sequence <= 30_000; sequence++) store(request(sequence, 'greet'), 10);
    count.read({ bytes: true });
    await look();
    for (let sequence = 2; sequence <= 15_000; sequence++) messages.delete(sequence);
    expect(count.read({ bytes: true }).stored).toEqual({ '': 300_000 });
    await look();
    expect(count.read({ bytes: true }).stored).toEqual({ '': 150_010 });
    expect(starts).toEqual([1, 1]);
    await count.close();
  });
});
