import { expect, test } from 'vitest';
import type { Fact } from '#machines/facts.ts';
import { createMemoryLog } from '#src/core/memory/memory-log.ts';
import { systemClock } from '#src/core/ports/clock.ts';
import { silentLogger } from '#src/core/ports/logger.ts';
import { loadStream } from '#src/core/stream/stream.ts';
import { createDeliveries } from '#src/destinations/deliveries.ts';
import { tryBounds } from '#src/destinations/function-deliverer.ts';
import { accept, append, newStream, until } from '#test/support/log/opened-log.ts';

test('the outcome of a cancelled invocation is delivered after its result is stored (PUB4)', async () => {
  const log = createMemoryLog({ clock: systemClock });
  const name = newStream();
  const request = await accept(log, name);
  const id = name.stream as string;
  const failure = { kind: 'platform', errorType: 'InvocationCanceled', message: 'it was cancelled', code: 4_208 } as const;
  const destinations = [{ id: 'http-0', destination: 'HTTP', param: '{}' }];
  const outcome: Fact = {
    type: 'failed',
    invocation: id,
    at: Date.now(),
    attempt: 0,
    condition: 'InvocationCanceled',
    failure,
    destinations,
  };
  await log.append(name, append([outcome], { request }), {});
  const resultsAtTry: number[] = [];
  const deliveries = createDeliveries({
    ...tryBounds,
    name: 'deliverer',
    tenancy: { region: 'local', project: 'default' },
    log,
    results: log.results,
    executionProbe: { isRunning: async () => false, answer: () => {} },
    clock: systemClock,
    logger: silentLogger,
    appendId: () => crypto.randomUUID(),
    targets: {
      HTTP: {
        refuse: () => undefined,
        limitKeyOf: () => 'one',
        async deliver() {
          resultsAtTry.push(log.results.published.length);
          return { kind: 'delivered' };
        },
      },
    },
    maxChain: 1,
    maxDeliveryAgeInMs: 60_000,
    skipsUnknownKinds: false,
    onDemand: () => {},
  });
  const state = await loadStream(log, name, request);
  if (state === undefined) throw new Error('the request is not there');
  expect(deliveries.take(state)).toBe(true);
  await until(() => resultsAtTry.length > 0);
  await deliveries.stop();
  expect([resultsAtTry, log.results.published.map((result) => result.id)]).toEqual([[1], [id]]);
});
