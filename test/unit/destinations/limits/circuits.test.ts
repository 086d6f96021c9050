import { describe, expect, test } from 'vitest';
import type { DeliveryResult, DestinationTarget } from '#src/core/ports/destination-target.ts';
import { FAILURES_UNTIL_OPEN } from '#src/destinations/limits/circuit-breaker.ts';
import { type AdmittedTry, Circuits } from '#src/destinations/limits/circuits.ts';
import { createSeededRandom } from '#test/support/seeded-random.ts';

const target: DestinationTarget = { refuse: () => undefined, limitKeyOf: () => 'HTTP https://a', deliver: async () => delivered };
const delivered: DeliveryResult = { kind: 'delivered' };
const failed: DeliveryResult = { kind: 'failed', reason: 'no answer' };
const key = { functionName: 'orders', limitKey: 'HTTP https://a' };
const NEVER = Number.POSITIVE_INFINITY;

function open(name = 'deliverer-1') {
  const clock = { at: 1_000_000, now: () => clock.at };
  const closed: string[] = [];
  return { clock, closed, circuits: new Circuits({ clock, name, onClosed: (limitKey) => closed.push(limitKey) }) };
}

function admit(circuits: Circuits, of = key): AdmittedTry {
  const admitted = circuits.admit(target, of);
  if (admitted === undefined) throw new Error('the circuit admits no try');
  return admitted;
}

function fail(circuits: Circuits, times: number, of = key): void {
  for (let i = 0; i < times; i++) admit(circuits, of).end(failed);
}

describe('a circuit', () => {
  test('opens after ten failures in a row, and then admits no try', () => {
    const { circuits } = open();
    fail(circuits, FAILURES_UNTIL_OPEN - 1);
    admit(circuits).end(delivered);
    fail(circuits, FAILURES_UNTIL_OPEN - 1);
    expect(circuits.isOpen(key)).toBe(false);
    fail(circuits, 1);
    expect(circuits.isOpen(key)).toBe(true);
    expect(circuits.admit(target, key)).toBeUndefined();
    expect(circuits.list()).toEqual([
      {
        deliverer: 'deliverer-1',
        function: 'orders',
        target: 'HTTP https://a',
        state: 'open',
        openUntil: 1_001_000,
        failures: 10,
        reason: 'no answer',
      },
    ]);
  });

  test('counts no failure of a try that started before the latest success', () => {
    const { circuits } = open();
    fail(circuits, 1);
    const started = Array.from({ length: 2 * FAILURES_UNTIL_OPEN }, () => admit(circuits));
    admit(circuits).end(delivered);
    for (const one of started) one.end(failed);
    expect(circuits.list()).toEqual([]);
    fail(circuits, FAILURES_UNTIL_OPEN - 1);
    expect(circuits.list()).toEqual([]);
    fail(circuits, 1);
    expect(circuits.isOpen(key)).toBe(true);
  });

  test('counts a final refusal of the target as an answer', () => {
    const { circuits } = open();
    fail(circuits, FAILURES_UNTIL_OPEN - 1);
    admit(circuits).end({ kind: 'dead', reason: 'HTTP 404' });
    fail(circuits, FAILURES_UNTIL_OPEN - 1);
    expect(circuits.list()).toEqual([]);
  });

  test('admits one probe when its time is over, and no second try before the result of the probe', () => {
    const { clock, circuits } = open();
    fail(circuits, FAILURES_UNTIL_OPEN);
    clock.at += 999;
    expect(circuits.admit(target, key)).toBeUndefined();
    clock.at += 1;
    const probe = admit(circuits);
    expect(circuits.list()[0]?.state).toBe('half-open');
    expect(circuits.admit(target, key)).toBeUndefined();
    probe.end();
    admit(circuits).end(delivered);
  });

  test('stays open for twice the time with each failed probe, for at most 30 s', () => {
    const { clock, circuits } = open();
    fail(circuits, FAILURES_UNTIL_OPEN);
    const pauses: number[] = [];
    for (let i = 0; i < 7; i++) {
      pauses.push((circuits.list()[0]?.openUntil ?? 0) - clock.at);
      clock.at = circuits.list()[0]?.openUntil ?? 0;
      fail(circuits, 1);
    }
    expect(pauses).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
  });

  test('doubles the tries at once with each success after a probe, and then closes', () => {
    const { clock, closed, circuits } = open();
    fail(circuits, FAILURES_UNTIL_OPEN);
    clock.at += 1_000;
    const atOnce: number[] = [];
    while (circuits.list().length > 0) {
      const admitted: AdmittedTry[] = [];
      for (let one = circuits.admit(target, key); one !== undefined; one = circuits.admit(target, key)) admitted.push(one);
      atOnce.push(admitted.length);
      admitted[0]?.end(delivered);
      for (const one of admitted.slice(1)) one.end();
    }
    expect(atOnce).toEqual([1, 2, 4, 8, 16]);
    expect(closed).toEqual(['HTTP https://a']);
  });

  test('opens again after a successful probe only by failures in a row, for the first pause', () => {
    const { clock, circuits } = open();
    fail(circuits, FAILURES_UNTIL_OPEN);
    clock.at += 1_000;
    admit(circuits).end(delivered);
    fail(circuits, FAILURES_UNTIL_OPEN - 1);
    expect(circuits.list()).toMatchObject([{ state: 'half-open' }]);
    fail(circuits, 1);
    expect(circuits.list()).toMatchObject([{ state: 'open', openUntil: clock.at + 1_000, failures: 10 }]);
  });

  test('stays closed for a target that fails a third of its tries at random', () => {
    const { circuits } = open();
    const random = createSeededRandom(7);
    for (let i = 0; i < 10_000; i++) admit(circuits).end(random() < 0.3 ? failed : delivered);
    expect(circuits.list()).toEqual([]);
  });

  test('is not kept open by the tries that began before it opened', () => {
    const { clock, circuits } = open();
    const late = admit(circuits);
    fail(circuits, FAILURES_UNTIL_OPEN);
    clock.at += 1_500;
    late.end(failed);
    expect(circuits.isOpen(key)).toBe(false);
    admit(circuits).end(delivered);
  });

  test('belongs to one function, to one target and to one process', () => {
    const [one, other] = [open('deliverer-1'), open('deliverer-2')];
    fail(one.circuits, FAILURES_UNTIL_OPEN);
    expect(one.circuits.isTroubled('orders')).toBe(true);
    expect(one.circuits.isTroubled('billing')).toBe(false);
    expect(one.circuits.isOpen({ ...key, functionName: 'billing' })).toBe(false);
    expect(one.circuits.isOpen({ ...key, limitKey: 'HTTP https://b' })).toBe(false);
    expect(other.circuits.isOpen(key)).toBe(false);
  });

  test('does not exist for a target whose tries are appends to the log of Sequent', () => {
    const { circuits } = open();
    for (let i = 0; i < 10; i++) circuits.admit({ ...target, withoutCircuit: true }, key)?.end(failed);
    expect(circuits.list()).toEqual([]);
  });
});

describe('a postponed delivery', () => {
  test('names the circuit, its time, its failures and the last of them', () => {
    const { circuits } = open();
    fail(circuits, FAILURES_UNTIL_OPEN);
    expect(circuits.postpone(key, NEVER)).toEqual({
      dueAt: 1_001_000,
      reason: 'the circuit of HTTP https://a is open until 1970-01-01T00:16:41.000Z; 10 failures in a row; last: no answer',
    });
  });

  test.for([
    { outageInMs: 0, perSecond: 200 },
    { outageInMs: 4_000, perSecond: 50 },
    { outageInMs: 3_600_000, perSecond: 10 },
  ])('is due again by a budget that all circuits share: $perSecond in a second after $outageInMs ms', ({ outageInMs, perSecond }) => {
    const { clock, circuits } = open();
    const keys = [key, { ...key, functionName: 'billing' }];
    for (const one of keys) fail(circuits, FAILURES_UNTIL_OPEN, one);
    clock.at += outageInMs;
    const dueAt = Array.from({ length: 2_000 }, (_, i) => circuits.postpone(keys[i % 2] ?? key, NEVER).dueAt);
    const bySecond = new Map<number, number>();
    for (const at of dueAt) bySecond.set(Math.floor(at / 1_000), (bySecond.get(Math.floor(at / 1_000)) ?? 0) + 1);
    // The first second also holds the two deliveries that are due with the probes.
    expect(Math.max(...bySecond.values())).toBeLessThanOrEqual(perSecond + 2);
  });

  test('is due again within five minutes and the time of its circuit, however large the backlog is', () => {
    const { circuits } = open();
    fail(circuits, FAILURES_UNTIL_OPEN);
    const latest = Math.max(...Array.from({ length: 50_000 }, () => circuits.postpone(key, NEVER).dueAt));
    expect(latest).toBeLessThan(1_001_000 + 300_000 + 1_000);
  });

  test('waits for as long again as the outage has lasted, at most five minutes', () => {
    const { clock, circuits } = open();
    fail(circuits, FAILURES_UNTIL_OPEN);
    circuits.postpone(key, NEVER);
    const waits = [8_000, 100_000, 900_000].map((inMs) => {
      clock.at = 1_000_000 + inMs;
      return circuits.postpone(key, NEVER).dueAt - clock.at;
    });
    expect(waits).toEqual([8_000, 100_000, 300_000]);
  });

  test('is due at the latest when it becomes too old', () => {
    const { circuits } = open();
    fail(circuits, FAILURES_UNTIL_OPEN);
    expect(circuits.postpone(key, 1_000_500).dueAt).toBe(1_000_500);
  });

  test('a try that fails while the circuit is open is tried again by the same budget', () => {
    const { circuits } = open();
    const tries = Array.from({ length: 30 }, () => admit(circuits));
    const dueAt = tries.map((one) => one.end(failed));
    expect(new Set(dueAt.slice(0, FAILURES_UNTIL_OPEN - 1))).toEqual(new Set([0]));
    expect(new Set(dueAt.slice(FAILURES_UNTIL_OPEN - 1)).size).toBe(30 - FAILURES_UNTIL_OPEN + 1);
  });
});

describe('the circuits of a process', () => {
  test('are at most 10,000: the oldest closed one is forgotten, and an open one stays', () => {
    const { circuits } = open();
    const keyOf = (index: number) => ({ functionName: 'orders', limitKey: `HTTP https://host-${index}` });
    fail(circuits, FAILURES_UNTIL_OPEN, keyOf(0));
    // The failures of each other one are too few to open it.
    for (let index = 1; index < 10_000; index++) fail(circuits, FAILURES_UNTIL_OPEN - 1, keyOf(index));
    fail(circuits, 1, keyOf(10_000));
    expect(circuits.isOpen(keyOf(0))).toBe(true);
    // The forgotten one counts its failures from the beginning. One that was kept has nine.
    fail(circuits, 1, keyOf(1));
    expect(circuits.isOpen(keyOf(1))).toBe(false);
    fail(circuits, 1, keyOf(9_999));
    expect(circuits.isOpen(keyOf(9_999))).toBe(true);
  });
});
