import { describe, expect, test } from 'vitest';
import { createLogEpoch } from '#src/nats/streams/log/log-epoch.ts';
import type { PublishAnswer } from '#src/nats/transport/publisher.ts';

const stored = (sequence: number) => ({ kind: 'stored', sequence }) as const;

function opened() {
  const listeners: (() => void)[] = [];
  const connection = {
    onReconnect(listener: () => void) {
      listeners.push(listener);
      return () => {};
    },
  };
  const clock = { at: 5, now: () => clock.at };
  const epoch = createLogEpoch(connection, clock);
  /** Notes an answer to a message that was sent when `after` was the highest acknowledged sequence. */
  const note = (answer: PublishAnswer, after: number, id = ''): void => epoch.observe(answer, { ...epoch.sending(id), after });
  const taken = () => epoch.take().map(({ sequence, id }) => [sequence, id]);
  return { epoch, clock, note, taken, reconnect: () => listeners[0]?.() };
}

describe('the epoch of a log', () => {
  test('changes with every reconnection, because the server may have lost its last messages', () => {
    const { epoch, reconnect } = opened();
    reconnect();
    expect(epoch.value).toBe(1);
  });

  test('changes when an append gets a sequence that was acknowledged before it was sent (LINK4)', () => {
    const { epoch, note } = opened();
    note(stored(29_591), 0);
    note(stored(29_591), 29_591);
    expect(epoch.value).toBe(1);
    expect(epoch.highest).toBe(29_591);
    note(stored(12), 29_591);
    expect([epoch.value, epoch.highest]).toEqual([2, 12]);
  });

  test('does not change when appends that were in flight together are acknowledged in another order', () => {
    const { epoch, note } = opened();
    note(stored(12), 0);
    note(stored(11), 0);
    expect([epoch.value, epoch.highest]).toEqual([0, 12]);
  });

  test('keeps the last message before a loss, in whatever order later acknowledgements come', () => {
    const { epoch, note, taken } = opened();
    note(stored(100), 0, 'lost');
    note(stored(52), 100, 'first again');
    note(stored(51), 100, 'sent before the loss was noticed');
    note({ ...stored(40), isDuplicate: true }, 100, 'repeated');
    expect([taken(), epoch.highest]).toEqual([
      [
        [100, 'lost'],
        [52, 'first again'],
      ],
      52,
    ]);
    expect(taken()).toEqual([]);
  });

  test('keeps the last message before each pause and each reconnection', () => {
    const { clock, note, taken, reconnect } = opened();
    note(stored(1), 0, 'a');
    note(stored(2), 1, 'b');
    clock.at += 100;
    note(stored(3), 2, 'c');
    reconnect();
    note(stored(4), 3, 'd');
    note(stored(5), 4, 'e');
    expect(taken()).toEqual([
      [2, 'b'],
      [3, 'c'],
      [5, 'e'],
    ]);
    clock.at += 100;
    note(stored(9), 5, 'f');
    expect(taken()).toEqual([
      [5, 'e'],
      [9, 'f'],
    ]);
  });

  test('knows the last refusal of a full log until a message is stored', () => {
    const { epoch, note } = opened();
    note({ kind: 'refused', why: 'maximum bytes exceeded (10077)', isFull: true }, 0);
    expect(epoch.refusal).toEqual({ at: 5, why: 'maximum bytes exceeded (10077)' });
    note(stored(1), 0);
    expect(epoch.refusal).toBeUndefined();
  });

  test('reports a server that answers no message for ten seconds, until it stores one', () => {
    const { epoch, clock, note } = opened();
    const unanswered = { kind: 'unknown', why: 'no answer within 5000 ms', isUnanswered: true } as const;
    note(unanswered, 0);
    clock.at += 9_999;
    note(unanswered, 0);
    note({ kind: 'unknown', why: 'the connection was lost' }, 0);
    expect(epoch.refusal).toBeUndefined();
    clock.at++;
    note(unanswered, 0);
    expect(epoch.refusal).toMatchObject({ at: 10_005, why: expect.stringContaining('answered no message for 10 s') });
    note(stored(1), 0);
    expect(epoch.refusal).toBeUndefined();
    note(unanswered, 0);
    expect(epoch.refusal).toBeUndefined();
  });
});
