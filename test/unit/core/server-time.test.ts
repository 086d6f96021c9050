import { describe, expect, test } from 'vitest';
import { ServerTime } from '#src/core/time/server-time.ts';

const HOUR = 3_600_000;
const BOOT = 5_000;
const EPOCH = 1_764_000_000_000;

/** A machine and a server under virtual time. The clock of the machine is ahead of the server's by `aheadInMs`. */
function machine(aheadInMs: number) {
  const state = { elapsed: 0.25, aheadInMs, serverAheadInMs: 0, suspendedInMs: 0 };
  const serverNow = (): number => Math.floor(EPOCH + state.elapsed + state.serverAheadInMs + state.suspendedInMs);
  const time = new ServerTime({
    wall: () => Math.floor(EPOCH + state.elapsed + state.aheadInMs + state.suspendedInMs),
    monotonic: () => BOOT + state.elapsed,
  });
  return {
    state,
    time,
    serverNow,
    /** Asks the server; the question and the answer travel for these times. */
    ask(outInMs = 1, backInMs = 1): void {
      const askedAt = BOOT + state.elapsed;
      state.elapsed += outInMs;
      const serverAt = serverNow();
      state.elapsed += backInMs;
      time.add({ askedAt, answeredAt: BOOT + state.elapsed, serverAt });
    },
    error: (): number => Math.abs(time.now() - serverNow()),
  };
}

describe('the estimate of the server time', () => {
  test('is the local time before the first answer, and has no offset', () => {
    const { time, state } = machine(HOUR);
    expect([time.now(), time.offset]).toEqual([Math.floor(EPOCH + state.elapsed + HOUR), undefined]);
  });

  test.for([HOUR, -HOUR, 2_000, -40, 30 * 365 * 24 * HOUR])('is right within the round trip on a machine that is %d ms ahead', (ahead) => {
    const { ask, error, time } = machine(ahead);
    ask(4, 1);
    const { aheadInMs, uncertaintyInMs } = time.offset ?? { aheadInMs: 0, uncertaintyInMs: 0 };
    expect(Math.abs(aheadInMs - ahead)).toBeLessThanOrEqual(uncertaintyInMs + 1);
    expect(uncertaintyInMs).toBeLessThan(4);
    expect(error()).toBeLessThanOrEqual(4);
  });

  test('is bounded by the fastest answer, when a slow one follows (TIME1)', () => {
    const { ask, time, error } = machine(HOUR);
    ask(0.5, 0.5);
    ask(400, 0.1);
    expect(time.offset?.uncertaintyInMs).toBeLessThan(1.5);
    expect(error()).toBeLessThanOrEqual(2);
  });

  test('follows the newest answer, when the clock of the server was set (TIME2)', () => {
    const { ask, state, error } = machine(HOUR);
    for (let index = 0; index < 8; index++) ask();
    state.serverAheadInMs = -90_000;
    ask();
    expect(error()).toBeLessThanOrEqual(2);
  });

  test('does not change when the local clock is set, which is noticed and becomes the offset (TIME3)', () => {
    const { ask, state, time, error } = machine(0);
    ask();
    state.aheadInMs = HOUR;
    expect([time.noticeStep(), time.noticeStep()]).toEqual([true, false]);
    expect(error()).toBeLessThanOrEqual(2);
    expect(Math.round((time.offset?.aheadInMs ?? 0) / HOUR)).toBe(1);
    ask();
    expect(error()).toBeLessThanOrEqual(2);
  });

  test('is behind after the machine was suspended, until the next answer (TIME3)', () => {
    const { ask, state, time, serverNow, error } = machine(0);
    ask();
    state.suspendedInMs = 60_000;
    expect(time.noticeStep()).toBe(true);
    expect(time.now()).toBeLessThanOrEqual(serverNow() - 59_000);
    ask();
    expect(error()).toBeLessThanOrEqual(2);
  });

  test('is exactly the local time while no answer contradicts it, however uneven the way (TIME4)', () => {
    const { ask, state, error } = machine(0);
    for (const [out, back] of [
      [9, 0.1],
      [0.1, 9],
      [0.3, 0.2],
    ] as const) {
      ask(out, back);
      for (let step = 0; step < 40; step++) {
        state.elapsed += 0.37;
        expect(error()).toBeLessThanOrEqual(1);
      }
    }
  });

  test('allows for the drift of an hour without an answer', () => {
    const { ask, state, time } = machine(HOUR);
    ask();
    state.elapsed += HOUR;
    expect(time.offset?.uncertaintyInMs).toBeGreaterThan(500);
  });
});
