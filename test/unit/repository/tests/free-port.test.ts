import { expect, test } from 'vitest';
import { portsOf } from '#test/support/free-port.ts';

const workers = Array.from({ length: 40 }, (_, index) => portsOf({ VITEST_POOL_ID: String(index) }));

test('each of the workers that run side by side takes ports from a range of its own', () => {
  const firsts = workers.slice(0, 12).map(({ from }) => from);
  expect(new Set(firsts).size).toBe(12);
  for (const { from, to } of workers)
    expect(workers.filter((other) => other.from < to && from < other.to && other.from !== from)).toEqual([]);
});

test('all ports are below those that Linux gives by itself, for a worker of any number and for none', () => {
  for (const { from, to } of [...workers, portsOf({})]) {
    expect(from).toBeGreaterThanOrEqual(20_000);
    expect(to).toBeLessThanOrEqual(32_000);
  }
});
