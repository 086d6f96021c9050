import { describe, expect, test } from 'vitest';
import { createLogEpoch } from '#src/nats/streams/log-epoch.ts';

function opened() {
  const listeners: (() => void)[] = [];
  const epoch = createLogEpoch({
    onReconnect(listener) {
      listeners.push(listener);
      return () => {};
    },
  });
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
    epoch.note(29_591, 0);
    epoch.note(29_591, 29_591);
    expect(epoch.value).toBe(1);
    expect(epoch.highest).toBe(29_591);
    epoch.note(12, 29_591);
    expect([epoch.value, epoch.highest]).toEqual([2, 12]);
  });

  test('does not change when appends that were in flight together are acknowledged in another order', () => {
    const { epoch } = opened();
    epoch.note(12, 0);
    epoch.note(11, 0);
    expect([epoch.value, epoch.highest]).toEqual([0, 12]);
  });
});
