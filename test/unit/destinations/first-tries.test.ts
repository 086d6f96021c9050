import { expect, test } from 'vitest';
import type { Outcome } from '#machines/facts.ts';
import { createMemoryLog } from '#src/core/memory/memory-log.ts';
import { systemClock } from '#src/core/ports/clock.ts';
import { silentLogger } from '#src/core/ports/logger.ts';
import { createFirstTries } from '#src/destinations/first-tries.ts';
import { createTargetLimiter } from '#src/destinations/target-limiter.ts';
import { createTries } from '#src/destinations/tries.ts';

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
  const options = {
    name: 'deliverer-1',
    tenancy: { region: 'local', project: 'default' },
    log: createMemoryLog({ clock: systemClock }),
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
  const active = new Set<string>();
  const limiter = createTargetLimiter({ maxWaiting: 1, onCapacity: () => {} });
  return { active, first: createFirstTries({ ...options, limiter, active, tries: createTries(options) }) };
}

test('first tries are claimed as far as their limit keys have free slots, and name their deliverer', () => {
  const { active, first } = open();
  const claimed = first.claim(outcomeOf('a', ['HTTP', 'HTTP', 'OBS']));
  expect(claimed?.facts).toEqual([
    { type: 'delivery.started', invocation: 'a', at: 5, destination: 'HTTP-0', try: 1, deliverer: 'deliverer-1' },
  ]);
  expect([...active]).toEqual(['a/HTTP-0']);
  expect(first.claim(outcomeOf('b', ['HTTP']))).toBeUndefined();
});

test('a claimed try that was not appended releases its slot, and is no longer active', () => {
  const { active, first } = open();
  first.claim(outcomeOf('a', ['HTTP']))?.release();
  expect([active.size, first.size]).toEqual([0, 0]);
  expect(first.claim(outcomeOf('b', ['HTTP']))?.facts).toHaveLength(1);
});
