import { describe, expect, test } from 'vitest';
import type { Fact } from '#machines/facts.ts';
import { explain } from '#src/analysis/explain/explain.ts';
import type { History } from '#src/analysis/history.ts';
import { inLanguage } from '#src/core/text/language.ts';
import { readRecording, recordings } from '#test/support/histories/recorded-histories.ts';
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

function historyOf(...facts: Fact[]): History {
  return { requestId: ID, function: 'orders', transitions: facts.map((fact, index) => ({ sequence: index + 1, by: 'w1', fact })) };
}

const explained = (history: History, now: number): string =>
  explain(history, now)
    .map(({ text }) => text)
    .join('\n');

const LATER = 1_764_000_090_000;

describe.for(recordings)('the explanation of %s', (file) => {
  const { histories } = readRecording(file);

  test('has a sentence for every transition, in order, and one about now', () => {
    for (const history of histories) {
      const sentences = explain(history, LATER);
      const ofTransitions = sentences.filter(({ sequence }) => sequence !== undefined);
      expect(new Set(ofTransitions.map(({ sequence }) => sequence))).toEqual(new Set(history.transitions.map(({ sequence }) => sequence)));
      expect(ofTransitions.length).toBeGreaterThanOrEqual(history.transitions.length);
      expect(sentences.length).toBeGreaterThan(ofTransitions.length);
      expect([...ofTransitions].sort((one, other) => one.at - other.at)).toEqual(ofTransitions);
    }
  });

  test('is the same in Chinese: whole sentences without missing values', () => {
    for (const history of histories) {
      const english = explain(history, LATER);
      const chinese = inLanguage('zh-CN', () => explain(history, LATER));
      expect(chinese.map(({ rule, sequence }) => ({ rule, sequence }))).toEqual(english.map(({ rule, sequence }) => ({ rule, sequence })));
      for (const { text } of chinese) {
        expect(text).toMatch(/[\u4e00-\u9fff].*[.!?。]$/);
        expect(text).not.toMatch(/undefined|NaN|\{\w+\}/);
      }
    }
  });

  test('consists of whole sentences without missing values', () => {
    for (const history of histories) {
      for (const { text } of explain(history, LATER)) {
        expect(text).toMatch(/^[A-Za-z0-9].*[.!?]$/);
        expect(text).not.toMatch(/undefined|null|NaN|\[object/);
      }
    }
  });
});

describe('an explanation', () => {
  test('of an event that the function refuses for good advises another event, and no mere redrive (E5)', () => {
    const refused = failed(1, { failure: { ...threw, retryable: false } });
    expect(explained(historyOf(queued(), running(1), refused, notified()), LATER)).toContain(
      `To do: orders refuses this event, now and in a redrive: send another event, or repair what orders accepts and then "sequent redrive ${ID}".`,
    );
  });

  test('of an outcome names the destinations that do not get it, and why (WHEN1, WHEN2)', () => {
    const conditional = { ...billing, when: '{"of":"response","path":"$.total","greater":100}' };
    const notSent = [conditional, { ...conditional, id: 'd2', undecidable: 'the response payload is not JSON' }];
    const history = historyOf(queued(), running(1), succeeded(1, { notSent }), notified());
    const text = explained(history, LATER);
    expect(text).toContain('The outcome is not sent to d1: when response $.total greater 100 does not hold.');
    expect(text).toContain(
      'The outcome is not sent to d2: when response $.total greater 100 cannot be decided, because the response payload is not JSON.',
    );
    expect(text).toContain('No destination gets the outcome: it is settled.');
    expect(inLanguage('zh-CN', () => explained(history, LATER))).toContain('执行结果不通知 d1：条件 response $.total greater 100 不成立。');
  });

  test('of exhausted retries names each failure, the retries used, why each delay, and what to do', () => {
    const [history] = readRecording('0.2.0/retried-retries-exhausted.json').histories;
    const text = explained(history as History, LATER);
    expect(text).toContain('then attempt 1 started on ');
    // The words that a host puts before each message of a function are left out.
    expect(text).toMatch(/Attempt 1 failed in the code of the function after [^:]*: Error: attempt 1 fails\./);
    expect(text).toContain('A failure of the code consumes a retry: 2 of 2.');
    expect(text).toMatch(/Attempt 3 is due in 10 ms, at \S+Z: the delay of retry 2, of 10 ms times 1/);
    expect(text).toContain('It failed (UnhandledInvocationError): all of its 2 retries are used.');
    expect(explained(historyOf(queued(), running(1), failed(1), notified()), LATER)).toContain(`sequent redrive ${ID}`);
  });

  test('of a lost worker says that it costs no retry', () => {
    const [history] = readRecording('0.2.0/greet-worker-lost.json').histories;
    expect(explained(history as History, LATER)).toContain('A lost worker consumes no retry; it is the loss 1 of at most 8.');
  });

  test('of a dead delivery names the destination, and what to do', () => {
    const [history] = readRecording('0.2.0/refused-dead-delivery.json').histories as [History];
    const dead = { ...history, transitions: history.transitions.slice(0, 6) };
    expect(explained(dead, LATER)).toContain('http-0 never received the outcome. To do:');
  });

  test('says that a delay differs from the one that the terms give', () => {
    const history = historyOf(queued(), running(1), retrying(1, { dueAt: 5_020 }));
    expect(explained(history, 30)).toContain(
      'Attempt 2 is due in 5 s, at 1970-01-01T00:00:05.020Z: another delay than the 1 s that the terms give.',
    );
  });

  test('says that the function asked for the delay, or for no further attempt', () => {
    const later = retrying(1, { dueAt: 90_020, failure: { ...threw, retryAfterInMs: 90_000 } });
    expect(explained(historyOf(queued(), running(1), later), 30)).toContain('Attempt 2 is due in 1 min 30 s');
    expect(explained(historyOf(queued(), running(1), later), 30)).toContain(': the function asked for this delay.');
    const final = failed(1, { failure: { ...threw, retryable: false } });
    expect(explained(historyOf(queued(), running(1), final), 40)).toContain('the function said that a further attempt cannot succeed');
  });

  test('says how much of the maximum age is left, and that a later retry is not made', () => {
    expect(explained(historyOf(queued(), running(1), retrying(1, { dueAt: 1_020 })), 30)).toContain(
      'until 1970-01-01T00:01:00.000Z, 1 min from then',
    );
    expect(explained(historyOf(queued(), running(1), retrying(1, { dueAt: 60_000 })), 30)).toContain('That is too late');
  });

  test('says what an open invocation waits for, and asks for action only when it is overdue', () => {
    const waiting = historyOf(queued(), running(1), retrying(1, { dueAt: 1_020 }));
    expect(explained(waiting, 520)).toContain('which is due in 500 ms. There is nothing to do.');
    expect(explained(waiting, 2_000)).not.toContain('To do');
    expect(explained(waiting, 90_000)).toContain('To do: "sequent doctor"');
    expect(explained(historyOf(queued()), 500)).toContain('It has waited for a worker with a free slot for 500 ms.');
    expect(explained(historyOf(queued()), 120_000)).toContain('sequent fn get orders');
    expect(explained(historyOf(queued(), running(1)), 20_010)).toContain('Attempt 1 has run on w1 for 20 s; it is stopped after 30 s.');
    expect(explained(historyOf(queued(), running(1)), 200_000)).toContain('it is past its timeout');
  });

  test('says which destination it waits for, until when, and why', () => {
    const outcome = succeeded(1, { destinations: [billing] });
    const backingOff = historyOf(queued(), running(1), outcome, deliveryStarted(1), deliveryFailed(1, { at: 55, dueAt: 1_055 }));
    expect(explained(backingOff, 555)).toContain('It waits for the delivery to d1: try 2 is due in 500 ms. The last try failed: HTTP 500.');
  });

  test('names the rule of each decision', () => {
    const history = historyOf(queued(), running(1, { terms: { ...terms, maxRetries: 0 } }), failed(1), notified());
    const rules = explain(history, 50).flatMap(({ rule }) => (rule === undefined ? [] : [rule]));
    expect(rules).toEqual(['E5', 'E4']);
  });

  test('refers to the redrive of an invocation', () => {
    const history = historyOf(queued(), running(1, { terms: { ...terms, maxRetries: 0 } }), failed(1), notified(), redriven());
    expect(explained(history, 100)).toContain('It was redriven: see "sequent explain order-1-again".');
  });

  test('names a fact that the machine refuses, and continues', () => {
    const history = historyOf(queued(), running(1), running(3), failed(1, { failure: threw }));
    expect(explained(history, 100)).toContain('The machine refuses the fact "running" here');
  });
});
