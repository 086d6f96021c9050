import { describe, expect, test } from 'vitest';
import { createMemoryKeyValue } from '#src/core/memory/memory-key-value.ts';
import { AcceptRate } from '#src/gateway/quotas/accept-rate.ts';

type Gateways = { rates: AcceptRate[]; at: (now: number) => void; set: (rate: number, burst: number) => void };

/** Gateways that share one accept rate, under one clock. */
function open({ gateways = 2, rate = 10, burst = 10 } = {}): Gateways {
  let now = 1_000_000;
  let present = { rate, burst };
  const store = createMemoryKeyValue();
  const options = { store, key: 'accept-rate.own', clock: { now: () => now }, rate: () => present };
  return {
    rates: Array.from({ length: gateways }, () => new AcceptRate(options)),
    at: (next) => {
      now = 1_000_000 + next;
    },
    set: (nextRate, nextBurst) => {
      present = { rate: nextRate, burst: nextBurst };
    },
  };
}

/** How many of the requests of one moment are accepted, sent to the gateways in turn. */
async function accept({ rates }: Gateways, count: number): Promise<number> {
  const answers = await Promise.all(Array.from({ length: count }, (_, index) => rates[index % rates.length]?.take(1) ?? 1));
  return answers.filter((waitInMs) => waitInMs === 0).length;
}

describe('the accept rate of a project', () => {
  test('is the burst at first, for all gateways together', async () => {
    expect(await accept(open({ rate: 10, burst: 25 }), 100)).toBe(25);
  });

  test('is the rate after the burst: over a minute never more than burst and rate allow, and nearly as much', async () => {
    const gateways = open({ gateways: 3, rate: 100, burst: 200 });
    let accepted = 0;
    for (let ms = 0; ms <= 60_000; ms += 50) {
      gateways.at(ms);
      accepted += await accept(gateways, 12);
      expect(accepted).toBeLessThanOrEqual(200 + (100 * ms) / 1_000);
    }
    expect(accepted).toBeGreaterThan(0.98 * 6_200);
  });

  test('saves no more than the burst in a pause, also not in tokens that a gateway took before', async () => {
    const gateways = open({ rate: 100, burst: 100 });
    expect(await accept(gateways, 1)).toBe(1);
    gateways.at(3_600_000);
    expect(await accept(gateways, 500)).toBe(100);
  });

  test('says when a request may be accepted, and accepts it then', async () => {
    const gateways = open({ gateways: 1, rate: 2, burst: 2 });
    const [rate] = gateways.rates;
    expect(await accept(gateways, 3)).toBe(2);
    expect(await rate?.take(1)).toBe(500);
    gateways.at(499);
    expect(await accept(gateways, 1)).toBe(0);
    gateways.at(500);
    expect(await accept(gateways, 2)).toBe(1);
  });

  test('accepts an array as a whole or not at all', async () => {
    const gateways = open({ gateways: 1, rate: 1, burst: 10 });
    const [rate] = gateways.rates;
    expect(await rate?.take(8)).toBe(0);
    expect(await rate?.take(4)).toBe(2_000);
    expect(await rate?.take(2)).toBe(0);
  });

  test('counts a repeated request, which the log had accepted before, not twice', async () => {
    const gateways = open({ gateways: 1, rate: 1, burst: 1 });
    const [rate] = gateways.rates;
    expect(await accept(gateways, 2)).toBe(1);
    rate?.giveBack(1);
    expect(await accept(gateways, 2)).toBe(1);
  });

  test('follows a changed quota from the next request on', async () => {
    const gateways = open({ gateways: 1, rate: 1, burst: 1 });
    expect(await accept(gateways, 2)).toBe(1);
    gateways.set(1_000, 1_000);
    gateways.at(1_000);
    expect(await accept(gateways, 2_000)).toBe(1_000);
  });
});
