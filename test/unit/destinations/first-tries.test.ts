import { expect, test } from 'vitest';
import type { Outcome } from '#machines/facts.ts';
import { createMemoryLog } from '#src/core/memory/memory-log.ts';
import { systemClock } from '#src/core/ports/clock.ts';
import { silentLogger } from '#src/core/ports/logger.ts';
import { Circuits } from '#src/destinations/limits/circuits.ts';
import { createTargetLimiter } from '#src/destinations/limits/target-limiter.ts';
import { createFirstTries } from '#src/destinations/tries/first-tries.ts';
import { createTries } from '#src/destinations/tries/tries.ts';

const target = { refuse: () => undefined, limitKeyOf: () => 'key', triesAtOnce: 1, deliver: async () => ({ kind: 'delivered' }) as const };
const outcomeOf = (invocation: string, kinds: readonly string[]): Outcome => ({
  type: 'succeeded',
  invocation,
  at: 5,
  attempt: 1,
  payload: '1',
  destinations: kinds.map((destination, index) => ({ id: `${destination}-${index}`, destination, param: '{}' })),
});

function open() {
  const log = createMemoryLog({ clock: systemClock });
  const options = {
    name: 'deliverer-1',
    tenancy: { region: 'local', project: 'default' },
    log,
    results: log.results,
    executionProbe: { isRunning: async () => false, answer: () => {} },
    clock: systemClock,
    logger: silentLogger,
    appendId: () => '1',
    targets: { HTTP: target },
    maxChain: 1,
    triesAtOnce: 32,
    tryTimeoutInMs: 1_000,
    maxDeliveryAgeInMs: 1_000,
  };
  const limiter = createTargetLimiter({ maxWaiting: 1, onCapacity: () => false });
  const circuits = new Circuits({ clock: systemClock, name: options.name, onClosed: () => {} });
  const first = createFirstTries({ ...options, limiter, circuits, tries: createTries(options) });
  return { circuits, first };
}

test('first tries are claimed as far as their limit keys have free slots, and name their deliverer', () => {
  const { first } = open();
  const claimed = first.claim(outcomeOf('a', ['HTTP', 'HTTP', 'OBS']), 'orders');
  expect(claimed?.facts).toEqual([
    { type: 'delivery.started', invocation: 'a', at: 5, destination: 'HTTP-0', try: 1, deliverer: 'deliverer-1' },
  ]);
  expect([first.size, first.has('a/orders/HTTP-0')]).toEqual([1, true]);
  expect(first.claim(outcomeOf('b', ['HTTP']), 'orders')).toBeUndefined();
});

test('a claimed try that was not appended releases its slot, and is no longer active', () => {
  const { first } = open();
  first.claim(outcomeOf('a', ['HTTP']), 'orders')?.release();
  expect([first.size, first.has('a/orders/HTTP-0')]).toEqual([0, false]);
  expect(first.claim(outcomeOf('b', ['HTTP']), 'orders')?.facts).toHaveLength(1);
});

function openCircuit(circuits: Circuits): void {
  const key = { functionName: 'orders', limitKey: 'key' };
  for (let i = 0; i < 10; i++) circuits.admit(target, key)?.end({ kind: 'failed', reason: 'no answer' });
}

test('a first try whose circuit is open is postponed by the append of the outcome, and takes no slot', () => {
  const { circuits, first } = open();
  openCircuit(circuits);
  const claimed = first.claim(outcomeOf('a', ['HTTP']), 'orders');
  expect(claimed?.facts).toMatchObject([
    { type: 'delivery.postponed', destination: 'HTTP-0', try: 0, reason: expect.stringContaining('the circuit of key is open until') },
  ]);
  claimed?.release();
  expect([first.size, first.has('a/orders/HTTP-0')]).toEqual([0, false]);
});

test('the circuit of one function does not postpone the first tries of another function', () => {
  const { circuits, first } = open();
  openCircuit(circuits);
  expect(first.claim(outcomeOf('b', ['HTTP']), 'billing')?.facts).toMatchObject([{ type: 'delivery.started' }]);
});
