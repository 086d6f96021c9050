import { describe, expect, test } from 'vitest';
import type { Fact } from '#machines/facts.ts';
import { type HeldLog, readFigures, readUsage } from '#src/projection/queries/figures.ts';
import { foldInto, openModel } from '#test/support/projection/folded-model.ts';
import { createWrittenLog, type WrittenLog } from '#test/support/projection/written-log.ts';

const terms = { revision: 1, timeoutInMs: 1, maxRetries: 9, maxAgeInMs: 1, backoff: { initialInMs: 1, factor: 1, maxInMs: 1, jitter: 0 } };
const failure = { kind: 'function', errorType: 'Oops', message: 'no', code: 1 } as const;
const running = (invocation: string, at: number, attempt = 1): Fact =>
  attempt === 1
    ? { type: 'running', invocation, at, attempt, worker: 'w', terms }
    : { type: 'running', invocation, at, attempt, worker: 'w' };
const succeeded = (invocation: string, at: number, attempt = 1): Fact => ({ type: 'succeeded', invocation, at, attempt, payload: '1' });
const notified = (invocation: string): Fact => ({ type: 'notified', invocation, at: 9_000 });

async function folded(log: WrittenLog) {
  const store = openModel(log);
  await foldInto(store, log);
  return store;
}

async function usageOf(log: WrittenLog, held?: HeldLog) {
  const store = await folded(log);
  const usage = readUsage(store, held);
  store.close();
  return usage;
}

describe('the open invocations of projects', () => {
  test('are those that were accepted and are not notified', async () => {
    const log = createWrittenLog();
    for (const [fn, id] of [
      ['greet', 'a'],
      ['shop=greet', 'b'],
      ['greet', 'c'],
    ] as const) {
      const request = log.request(fn.replace('=', '.'), id, '{}', { at: 1 });
      if (id !== 'b') log.append(fn, id, request, [running(id, 2), succeeded(id, 3)]);
      if (id === 'c') log.append(fn, id, request, [notified(id)]);
    }
    expect(await usageOf(log)).toEqual({ sequence: log.entries.length, open: { '': 1, shop: 1 } });
  });

  test('count a repeated request once, also when its invocation has ended meanwhile', async () => {
    const log = createWrittenLog();
    const request = log.request('greet', 'a', '{}');
    log.request('greet', 'a', '{}');
    expect((await usageOf(log)).open).toEqual({ '': 1 });
    log.append('greet', 'a', request, [running('a', 2), succeeded('a', 3), notified('a')]);
    log.request('greet', 'a', '{}');
    expect((await usageOf(log)).open).toEqual({});
  });

  test('count the request that owns a stream, and not the one that lost it', async () => {
    const log = createWrittenLog();
    log.request('greet', 'a', '{}');
    const owner = log.request('greet', 'a', '{}');
    log.append('greet', 'a', owner, [running('a', 2)]);
    expect((await usageOf(log)).open).toEqual({ '': 1 });
  });

  test('are the same when each message is stored before the next one is read', async () => {
    const log = createWrittenLog();
    const store = openModel(log);
    const request = log.request('greet', 'a', '{}');
    const steps: Fact[] = [running('a', 2), succeeded('a', 3), notified('a')];
    const opened: unknown[] = [];
    for (const fact of steps) {
      await foldInto(store, log);
      opened.push(readUsage(store, undefined).open);
      log.append('greet', 'a', request, [fact]);
    }
    await foldInto(store, log);
    expect([...opened, readUsage(store, undefined).open]).toEqual([{ '': 1 }, { '': 1 }, { '': 1 }, {}]);
    store.close();
  });
});

describe('the stored bytes of projects', () => {
  const reference = (bytes: number): string => `stored:1.${bytes}.${'d'.repeat(43)}`;
  const whole: HeldLog = { first: 1, archived: 0 };

  test('are the messages, with the large payloads that they refer to', async () => {
    const log = createWrittenLog();
    const payload = reference(1_000_000);
    log.request('greet', 'a', payload);
    log.request('shop.greet', 'b', '"12345678"');
    expect((await usageOf(log, whole)).stored).toEqual({ '': 1_000_000 + payload.length, shop: 10 });
  });

  test('are without the archived streams that have ended, and with the archived ones that are open', async () => {
    const log = createWrittenLog();
    const open = log.request('greet', 'open', '"open"');
    for (let sequence = open + 1; sequence < 2_000; sequence += 2) {
      const id = `i${sequence}`;
      const request = log.request('shop.greet', id, '"ended"');
      log.append('shop=greet', id, request, [running(id, 2), succeeded(id, 3), notified(id)]);
    }
    const all = (await usageOf(log, whole)).stored;
    expect(all?.shop).toBeGreaterThan(100_000);
    expect((await usageOf(log, { first: 1, archived: 4_096 })).stored).toEqual({ '': 6 });
  });

  test('are without the messages before the first one of the log', async () => {
    const log = createWrittenLog();
    for (let sequence = 1; sequence <= 4_096; sequence++) log.request('greet', `i${sequence}`, '"12345678"');
    const { stored = {} } = await usageOf(log, { first: 2_048, archived: 2_047 });
    // The requests before are open, so the log would hold them: the log that lost them has no archive.
    expect(stored).toEqual({ '': 40_960 });
  });
});

describe('the figures of functions', () => {
  test('are the facts by kind, and the durations in buckets', async () => {
    const log = createWrittenLog();
    const request = log.request('greet', 'a', '{}', { at: 1_000 });
    log.append('greet', 'a', request, [running('a', 1_200)]);
    log.append('greet', 'a', request, [{ type: 'retrying', invocation: 'a', at: 1_230, attempt: 1, dueAt: 1_300, failure }]);
    log.append('greet', 'a', request, [running('a', 1_300, 2), succeeded('a', 1_301, 2)]);
    const store = await folded(log);
    const { figures, open } = readFigures(store, 2_000);
    expect(open).toBe(1);
    expect(Object.fromEntries(figures.map(({ name, value }) => [name, Number(value.toFixed(3))]))).toEqual({
      accepted: 1,
      attempts: 2,
      'retries.function': 1,
      'outcomes.': 1,
      'queue.sum': 0.2,
      'queue.0.25': 1,
      'execution.sum': 0.031,
      'execution.0.05': 1,
      'execution.0.005': 1,
      'endToEnd.sum': 0.301,
      'endToEnd.0.5': 1,
    });
    store.close();
  });

  test('count a delayed request as delayed until it is due, and as waiting from then on', async () => {
    const log = createWrittenLog();
    log.request('report', 'later', '{}', { at: 10, headers: { 'Deliver-At': new Date(1_000).toISOString() } });
    log.request('report', 'now', '{}', { at: 900 });
    const store = await folded(log);
    const at = (now: number) => readFigures(store, now).queued;
    expect(at(950)).toEqual([{ function: 'report', since: 900, delayed: 1 }]);
    expect(at(1_500)).toEqual([{ function: 'report', since: 900, delayed: 0 }]);
    store.close();
  });

  test('of more than 500 functions share one name', async () => {
    const log = createWrittenLog();
    for (let index = 0; index < 510; index++) log.request(`f${index}`, `i${index}`, '{}');
    const store = await folded(log);
    const accepted = readFigures(store, 1e12).figures.filter(({ name }) => name === 'accepted');
    expect([accepted.length, accepted.find(({ function: fn }) => fn === 'other')?.value]).toEqual([501, 10]);
    store.close();
  });
});
