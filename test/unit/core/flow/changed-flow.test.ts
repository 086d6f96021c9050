import { describe, expect, test } from 'vitest';
import { defineFunction } from '#src/client/worker/define-function.ts';
import type { Flow } from '#src/core/functions/flow.ts';
import { createTestSequent } from '#src/testing/testing.ts';
import { shortestTimeOf } from '#test/support/flow/shortest-time.ts';

const PLACES = 20;
const KEYS = 4;
const REQUESTS = 40;
const TAKES_MS = 100;
const CHANGED_AFTER_MS = 250;
/** A stream of a function whose flow moved is woken, and what left an entry comes back, after the patience of the scheduler. */
const FOUND_WITHIN_MS = 12_000;

const flows: readonly (Flow | undefined)[] = [
  undefined,
  { concurrency: 2 },
  { concurrency: 5, pool: 'shared' },
  { concurrency: 1, key: '$.key' },
  { concurrency: 3, key: '$.key', total: 5 },
  { concurrency: 1, key: '$.key', pool: 'other' },
  { concurrency: 1, key: '$.key', total: 3, order: 'fifo' },
  { concurrency: 1, key: '$.other', total: 3, order: 'fifo', onRetry: 'pass' },
  { concurrency: 3, order: 'priority', aging: '1s' },
  { concurrency: 1, key: '$.key', order: 'priority' },
  { rate: { limit: 20, per: '1s', burst: 5 } },
  { concurrency: 2, key: '$.key', rate: { limit: 10, per: '1s', burst: 2 } },
  { key: '$.key', debounce: { wait: '1s', keep: 'all' }, concurrency: 1 },
];

const text = (flow: Flow | undefined): string => (flow === undefined ? 'no flow' : JSON.stringify(flow).replaceAll('"', ''));

/** Requests of one moment, and another flow a moment later. Returns how long all of them take, in virtual time. */
async function timeToEnd(before: Flow | undefined, after: Flow | undefined): Promise<number> {
  const made = defineFunction({
    ...{ name: 'one', concurrency: PLACES, ...(before === undefined ? {} : { flow: before }) },
    handler: async (_: unknown) => await system.clock.sleep(TAKES_MS),
  });
  await using system = await createTestSequent({ functions: [made] });
  const from = system.clock.now();
  for (let number = 0; number < REQUESTS; number++) await system.invoke('one', { key: `k${number % KEYS}`, other: number % 3 });
  await system.advance(CHANGED_AFTER_MS);
  const { definition } = await system.functions.get('one');
  const { flow: _, ...rest } = definition;
  await system.functions.put({ ...rest, ...(after === undefined ? {} : { flow: after }) });
  await system.runUntilIdle(600_000);
  expect(system.results().filter(({ outcome }) => outcome === 'succeeded')).toHaveLength(REQUESTS);
  return system.clock.now() - from;
}

const keys = Array.from({ length: REQUESTS }, (_, number) => number % KEYS);
const timeOf = (flow: Flow | undefined): number =>
  flow === undefined ? 0 : shortestTimeOf(flow, { keys, takesMs: TAKES_MS, places: PLACES });

describe('requests that wait while their flow is changed all end, at the rate of the limits', () => {
  for (const before of flows)
    test.for(flows.filter((after) => after !== before).map((after) => [text(after), after] as const))(
      `from ${text(before)} to %s`.slice(0, 100),
      async ([, after]) => {
        expect(await timeToEnd(before, after)).toBeLessThan(timeOf(before) + timeOf(after) + FOUND_WITHIN_MS);
      },
    );
});
