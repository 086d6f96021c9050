import type { PoolState } from '#src/client/state/flow.ts';
import { shownPool } from '#src/core/functions/pool-names.ts';
import type { GaugeRow } from './gauges.ts';

/** The slots of a pool that attempts of a function hold, and what waits for one. `function` is the token of the function. */
export type FlowFigures = { pool: string; function: string; running: number; waiting: number; since: number | undefined };

/** Bounds the series: keys have none, and the functions beyond this number are counted as `other`. */
const MAX_SERIES = 500;

export function flowFigures({ pool, functions, since }: PoolState): FlowFigures[] {
  const { name } = shownPool(pool);
  return functions.map(({ name: token, running, waiting }) => ({ pool: name, function: token, running, waiting, since }));
}

/** The gauges of the flow of functions, by pool and function. */
export function flowGauges(now: () => number): GaugeRow<{ flows: readonly FlowFigures[] }>[] {
  const gauge = (name: string, help: string, count: (one: FlowFigures) => number): GaugeRow<{ flows: readonly FlowFigures[] }> => ({
    name,
    help,
    labels: ['pool', 'function'],
    measure: ({ flows }) => flows.map((one, index) => ({ labels: labelsOf(one, index), value: count(one) })),
  });
  return [
    gauge('flow_running', 'Attempts that hold a slot over all workers, by pool and function', ({ running }) => running),
    gauge(
      'flow_waiting',
      'Invocations that wait for a slot over all workers or for their debounce, and messages in the queue, by pool and function',
      ({ waiting }) => waiting,
    ),
    gauge(
      'flow_oldest_seconds',
      'For how long the first invocation waits for a slot of a key of the pool; 0 when none does',
      ({ since }) => (since === undefined ? 0 : Math.max(0, now() - since) / 1_000),
    ),
  ];
}

function labelsOf({ pool, function: token }: FlowFigures, index: number): { pool: string; function: string } {
  return index < MAX_SERIES ? { pool, function: token } : { pool: 'other', function: 'other' };
}
