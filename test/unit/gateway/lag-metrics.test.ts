import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { systemClock } from '#src/core/ports/clock.ts';
import { createLagMetrics, type Lag } from '#src/gateway/operations/lag-metrics.ts';

async function render(circuits: Lag['circuits']): Promise<string[]> {
  const registry = new Registry();
  const lag: Lag = { lastSequence: 0, messages: 0, bytes: 0, consumers: [], projection: 0, oldestOpenAt: undefined, clocks: [], circuits };
  createLagMetrics(registry, { clock: systemClock, lag: async () => lag, folded: () => 0 });
  return (await registry.metrics()).split('\n').filter((line) => line.startsWith('sequent_circuits{'));
}

test('the circuits are counted over the processes, by function, target and state', async () => {
  const circuit = { function: 'orders', target: 'HTTP https://x', state: 'open' } as const;
  expect(await render([circuit, circuit, { ...circuit, state: 'half-open' }])).toEqual([
    'sequent_circuits{function="orders",target="HTTP https://x",state="open"} 2',
    'sequent_circuits{function="orders",target="HTTP https://x",state="half-open"} 1',
  ]);
  expect(await render([])).toEqual([]);
});

test('at most 500 circuits have series of their own, and the others share one series for each state', async () => {
  const series = await render(Array.from({ length: 700 }, (_, i) => ({ function: `f-${i}`, target: 'OBS b/c', state: 'open' })));
  expect(series).toHaveLength(501);
  expect(series.at(-1)).toBe('sequent_circuits{function="other",target="other",state="open"} 200');
});
