import { describe, expect, test } from 'vitest';
import type { Fact } from '#machines/facts.ts';
import { explain } from '#src/analysis/explain.ts';
import type { History } from '#src/analysis/history.ts';
import {
  billing,
  deliveryFailed,
  deliveryStarted,
  failed,
  ID,
  notified,
  queued,
  redriven,
  retrying,
  running,
  succeeded,
  terms,
  threw,
} from '#test/support/log/facts.ts';
import { readRecording, recordings } from '#test/support/log/recorded-histories.ts';

function historyOf(...facts: Fact[]): History {
  return { requestId: ID, function: 'orders', transitions: facts.map((fact, index) => ({ sequence: index + 1, by: 'w1', fact })) };
}

const story = (history: History, now: number): string =>
  explain(history, now)
    .map(({ text }) => text)
    .join('\n');

const LATER = 1_764_000_090_000;

describe.for(recordings)('the story of %s', (file) => {
  const { histories } = readRecording(file);

  test('has a sentence for every transition, in order, and one about now', () => {
    for (const history of histories) {
      const sentences = explain(history, LATER);
      const told = sentences.filter(({ sequence }) => sequence !== undefined);
      expect(new Set(told.map(({ sequence }) => sequence))).toEqual(new Set(history.transitions.map(({ sequence }) => sequence)));
      expect(told.length).toBeGreaterThanOrEqual(history.transitions.length);
      expect(sentences.length).toBeGreaterThan(told.length);
      expect([...told].sort((one, other) => one.at - other.at)).toEqual(told);
    }
  });

  test('consists of whole sentences without a hole in them', () => {
    for (const history of histories) {
      for (const { text } of explain(history, LATER)) {
        expect(text).toMatch(/^[A-Za-z0-9].*[.!?]$/);
        expect(text).not.toMatch(/undefined|null|NaN|\[object/);
      }
    }
  });
});

describe('the story', () => {
  test('of exhausted retries names each failure, the retries used, why each delay, and what to do', () => {
    const [history] = readRecording('retries-exhausted.json').histories;
    const text = story(history as History, LATER);
    expect(text).toContain('attempt 1 began on host-7-1a2b3c4d');
    expect(text).toContain('Attempt 1 failed in the code of the function after 3 ms: Error: boom.');
    expect(text).toContain('A failure of the code consumes a retry: 2 of 2.');
    expect(text).toContain('Attempt 3 is due in 2 s, at 2025-11-24T16:00:03.010Z: the delay of retry 2');
    expect(text).toContain('It failed (UnhandledInvocationError): all of its 2 retries are used.');
    expect(text).toContain('sequent redrive order-7');
  });

  test('of a lost worker says that it costs no retry', () => {
    const [history] = readRecording('worker-lost.json').histories;
    expect(story(history as History, LATER)).toContain('A lost worker consumes no retry; it is the loss 1 of at most 8.');
  });

  test('of nine lost workers says that version 0.1 granted the ninth attempt', () => {
    const text = story(readRecording('nine-workers-lost.json').histories[0] as History, LATER);
    expect(text).toContain('Attempt 9 is due at once, at 2025-11-24T16:02:01.602Z: version 0.1 granted one attempt after the loss 8.');
    expect(text).toContain('It failed (SystemError): 9 workers were lost with it, and no further one is risked.');
  });

  test('of a dead delivery says who was never told, and what to do', () => {
    const [history] = readRecording('destinations.json').histories;
    expect(story(history as History, LATER)).toContain('smn-1 was never told. To do:');
  });

  test('says when a delay is not the one that the terms give', () => {
    const history = historyOf(queued(), running(1), retrying(1, { dueAt: 5_020 }));
    expect(story(history, 30)).toContain(
      'Attempt 2 is due in 5 s, at 1970-01-01T00:00:05.020Z: another delay than the 1 s that the terms give.',
    );
  });

  test('says what is left of the age, and that a retry behind its end will not be made', () => {
    expect(story(historyOf(queued(), running(1), retrying(1, { dueAt: 1_020 })), 30)).toContain(
      'until 1970-01-01T00:01:00.000Z, 1 min from then',
    );
    expect(story(historyOf(queued(), running(1), retrying(1, { dueAt: 60_000 })), 30)).toContain('That is too late');
  });

  test('says what an open invocation waits for, and asks for help only when it is overdue', () => {
    const waiting = historyOf(queued(), running(1), retrying(1, { dueAt: 1_020 }));
    expect(story(waiting, 520)).toContain('which is due in 500 ms. There is nothing to do.');
    expect(story(waiting, 2_000)).not.toContain('To do');
    expect(story(waiting, 90_000)).toContain('To do: "sequent doctor"');
    expect(story(historyOf(queued()), 500)).toContain('It waits for a worker with a free place, since 500 ms.');
    expect(story(historyOf(queued()), 120_000)).toContain('sequent fn get orders');
    expect(story(historyOf(queued(), running(1)), 20_010)).toContain('Attempt 1 runs on w1 since 20 s; it is cut after 30 s.');
    expect(story(historyOf(queued(), running(1)), 200_000)).toContain('it should have been cut');
  });

  test('says which destination it waits for, until when, and why', () => {
    const outcome = succeeded(1, { destinations: [billing] });
    const told = historyOf(queued(), running(1), outcome, deliveryStarted(1), deliveryFailed(1, { at: 55, dueAt: 1_055 }));
    expect(story(told, 555)).toContain('It waits for d1: try 2 is due in 500 ms. The last one failed: HTTP 500.');
  });

  test('says by which rule each turn was taken', () => {
    const history = historyOf(queued(), running(1, { terms: { ...terms, maxRetries: 0 } }), failed(1), notified());
    const rules = explain(history, 50).flatMap(({ rule }) => (rule === undefined ? [] : [rule]));
    expect(rules).toEqual(['E5', 'E4']);
  });

  test('follows an invocation that was run again', () => {
    const history = historyOf(queued(), running(1, { terms: { ...terms, maxRetries: 0 } }), failed(1), notified(), redriven());
    expect(story(history, 100)).toContain('It was run again: see "sequent explain order-1-again".');
  });

  test('names a fact that the machine refuses, and goes on', () => {
    const history = historyOf(queued(), running(1), running(3), failed(1, { failure: threw }));
    expect(story(history, 100)).toContain('The log holds "running" here, which the machine refuses');
  });
});
