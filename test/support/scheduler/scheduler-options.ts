import { createMemoryKeyValue } from '#src/core/memory/memory-key-value.ts';
import type { MemoryLog } from '#src/core/memory/memory-log.ts';
import { silentLogger } from '#src/core/ports/logger.ts';
import type { SchedulerOptions } from '#src/scheduler/ports.ts';
import { appendId } from '#test/support/log/opened-log.ts';

/** The options of a scheduler on a log in memory that knows no function. */
export function schedulerOptions(log: MemoryLog, given: Pick<SchedulerOptions, 'clock'> & Partial<SchedulerOptions>): SchedulerOptions {
  return {
    name: 'test',
    tenancy: { region: 'local', project: 'default' },
    log,
    hints: log.hints,
    results: log.results,
    state: createMemoryKeyValue(),
    flow: createMemoryKeyValue(),
    functions: { get: () => undefined },
    findFunction: () => Promise.reject(new Error('the functions are not known here')),
    deliveredUpTo: async () => 0,
    openRequests: { find: async () => [], answer: () => {} },
    logger: silentLogger,
    appendId,
    patienceInMs: 5_000,
    maxDeliveryAgeInMs: 5_000,
    ...given,
  };
}
