import { describe, expect, test } from 'vitest';
import type { Timers } from '#src/core/ports/clock.ts';
import { ProjectionPace } from '#src/projection/fold/pace.ts';

/** A pace on a machine of two processors, under virtual time. */
function paceOn({ mayHold = true } = {}) {
  let now = 1_000_000;
  const times = { total: 0, idle: 0, own: 0 };
  const ticks = new Set<() => void>();
  const timers: Timers = {
    after: () => () => {},
    every(_, callback) {
      ticks.add(callback);
      return () => void ticks.delete(callback);
    },
  };
  const pace = new ProjectionPace({ clock: { now: () => now }, mayHold: () => mayHold, timers, readTimes: () => ({ ...times }) });
  const releases: number[] = [];
  pace.onRelease(() => releases.push(now));
  return {
    pace,
    releases,
    /** Lets a tenth of a second pass, in which the other processes and this one use shares of the two processors. */
    pass(others: number, own: number) {
      now += 100;
      times.total += 200;
      times.own += own * 200;
      times.idle += (1 - others - own) * 200;
      for (const tick of [...ticks]) tick();
    },
    read: (ageInMs = 0) => pace.noteRead(now - ageInMs),
    /** Lets time pass in which nothing happens. */
    rest(inMs: number) {
      now += inMs;
    },
  };
}

/** A pace in a burst that has just begun to be delayed. */
function heldPace() {
  const machine = paceOn();
  machine.read();
  machine.pass(0.7, 0.3);
  machine.read();
  expect(machine.pace.demand()).toBe(0);
  return machine;
}

describe('a projection beside a busy machine', () => {
  test('reads nothing while no processor is idle, and a message when it is half a second old (PACE1)', () => {
    const { pace, pass, read, releases } = heldPace();
    for (let i = 0; i < 4; i++) pass(1, 0);
    expect([pace.demand(), releases]).toEqual([0, []]);
    pass(1, 0);
    expect(pace.demand()).toBeGreaterThan(0);
    expect(releases).toHaveLength(1);
    read();
    expect(pace.demand()).toBe(0);
  });

  test('reads much at a time in a burst while it is more than a second behind (PACE1)', () => {
    const { pace, pass, read } = heldPace();
    for (let i = 0; i < 5; i++) pass(1, 0);
    read(1_001);
    pass(0.7, 0.3);
    read(1_001);
    expect([pace.demand(), pace.maxBytes()]).toEqual([4_000, 4_000_000]);
    read(600);
    expect([pace.demand(), pace.maxBytes()]).toEqual([1_000, 256_000]);
    read(400);
    expect(pace.demand()).toBe(0);
  });

  test('stays delayed while the messages arrive that were requested before the delay (PACE1)', () => {
    const { pace, pass, read, releases } = heldPace();
    for (let i = 0; i < 5; i++) {
      pass(0.55, 0.45);
      read();
      expect(pace.demand()).toBe(0);
    }
    expect(releases).toEqual([]);
  });

  test('is delayed in a burst in which it used one of two processors itself (PACE1)', () => {
    const { pace, pass, read } = paceOn();
    read();
    pass(0.47, 0.53);
    read();
    expect(pace.demand()).toBe(0);
  });

  test('requests few bytes at a time, because what was requested cannot be delayed, also after a rest', () => {
    const { pace, read, rest } = paceOn();
    const asked = (): number[] => [pace.demand(), pace.maxBytes()];
    expect(asked()).toEqual([1_000, 256_000]);
    read();
    rest(60_000);
    expect(asked()).toEqual([1_000, 256_000]);
    read(1_001);
    expect(asked()).toEqual([4_000, 4_000_000]);
  });

  test('reads on as soon as the burst is over (PACE1)', () => {
    const { pace, pass, releases } = heldPace();
    pass(0.3, 0);
    expect(pace.demand()).toBeGreaterThan(0);
    expect(releases).toHaveLength(1);
  });

  test('reads on for two seconds at a question (PACE2)', () => {
    const { pace, pass, read, releases } = heldPace();
    pace.noteQuestion();
    expect(releases).toHaveLength(1);
    for (let i = 0; i < 19; i++) {
      pass(0.8, 0.2);
      read();
      expect(pace.demand()).toBeGreaterThan(0);
    }
    pass(0.8, 0.2);
    expect(pace.demand()).toBe(0);
  });

  test('may pause when it has read everything, but not for two seconds after a question (H24)', () => {
    const { pace, rest } = paceOn();
    expect(pace.pauseInMs()).toBe(50);
    pace.noteQuestion();
    rest(1_999);
    expect(pace.pauseInMs()).toBe(0);
    rest(1);
    expect(pace.pauseInMs()).toBe(50);
    expect(paceOn({ mayHold: false }).pace.pauseInMs()).toBe(0);
  });

  test.each([
    ['a processor is idle', { others: 0.6, own: 0.2 }, true],
    ['it uses little itself', { others: 0.98, own: 0.02 }, true],
    ['it uses the processors alone', { others: 0.1, own: 0.9 }, true],
    ['it has not caught up since its start (PACE3)', { others: 0.7, own: 0.3 }, false],
  ])('is not delayed while %s', (_, { others, own }, mayHold) => {
    const { pace, pass, read } = paceOn({ mayHold });
    for (let i = 0; i < 3; i++) {
      read();
      pass(others, own);
    }
    expect(pace.demand()).toBeGreaterThan(0);
  });
});
