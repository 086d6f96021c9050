import { describe, expect, test } from 'vitest';
import { createLogEpoch } from '#src/nats/streams/log-epoch.ts';

const stored = (sequence: number) => ({ kind: 'stored', sequence }) as const;

function opened() {
  const listeners: (() => void)[] = [];
  const connection = {
    onReconnect(listener: () => void) {
      listeners.push(listener);
      return () => {};
    },
  };
  const epoch = createLogEpoch(connection, { now: () => 5 });
  return { epoch, reconnect: () => listeners[0]?.() };
}

describe('the epoch of a log', () => {
  test('changes with every reconnection, because the server may have lost its last messages', () => {
    const { epoch, reconnect } = opened();
    reconnect();
    expect(epoch.value).toBe(1);
  });

  test('changes when an append gets a sequence that was acknowledged before it was sent (LINK4)', () => {
    const { epoch } = opened();
    epoch.note(stored(29_591), 0);
    epoch.note(stored(29_591), 29_591);
    expect(epoch.value).toBe(1);
    expect(epoch.highest).toBe(29_591);
    epoch.note(stored(12), 29_591);
    expect([epoch.value, epoch.highest]).toEqual([2, 12]);
  });

  test('does not change when appends that were in flight together are acknowledged in another order', () => {
    const { epoch } = opened();
    epoch.note(stored(12), 0);
    epoch.note(stored(11), 0);
    expect([epoch.value, epoch.highest]).toEqual([0, 12]);
  });

  test('names the loss once, although acknowledgements of earlier messages come in any order', () => {
    const { epoch } = opened();
    epoch.note(stored(100), 0);
    epoch.note(stored(52), 100);
    epoch.note(stored(51), 100);
    epoch.note({ ...stored(40), isDuplicate: true }, 100);
    expect([epoch.loss, epoch.highest]).toEqual([{ keptUpTo: 51, upTo: 100 }, 52]);
  });

  test('knows the last refusal of a full log until a message is stored', () => {
    const { epoch } = opened();
    epoch.note({ kind: 'refused', why: 'maximum bytes exceeded (10077)', isFull: true }, 0);
    expect(epoch.refusal).toEqual({ at: 5, why: 'maximum bytes exceeded (10077)' });
    epoch.note(stored(1), 0);
    expect(epoch.refusal).toBeUndefined();
  });
});
