import type { createMemoryLog } from '#src/core/memory/memory-log.ts';
import { systemClock } from '#src/core/ports/clock.ts';
import { silentLogger } from '#src/core/ports/logger.ts';
import { createDeliveries } from '#src/destinations/deliveries.ts';
import { tryBounds } from '#src/destinations/function-deliverer.ts';

type Options = Parameters<typeof createDeliveries>[0];

/** The deliveries of one process on a memory log. `options` replace the defaults. */
export function openMemoryDeliveries(
  log: ReturnType<typeof createMemoryLog>,
  options: Partial<Options> & Pick<Options, 'targets'>,
): ReturnType<typeof createDeliveries> {
  return createDeliveries({
    ...tryBounds,
    name: 'deliverer',
    tenancy: { region: 'local', project: 'default' },
    log,
    results: log.results,
    executionProbe: { isRunning: async () => false, answer: () => {} },
    clock: systemClock,
    logger: silentLogger,
    appendId: () => crypto.randomUUID(),
    maxChain: 1,
    maxDeliveryAgeInMs: 60_000,
    skipsUnknownKinds: false,
    onDemand: () => {},
    ...options,
  });
}
