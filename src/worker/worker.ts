import { createSlotLedger } from '#src/core/flow/slot-ledger.ts';
import type { FunctionDefinition } from '#src/core/functions/definition.ts';
import type { FunctionEntry } from '#src/core/functions/entry.ts';
import type { FunctionName } from '#src/core/names/names.ts';
import { systemTimers, type Timers } from '#src/core/ports/clock.ts';
import { createKeptStreams } from '#src/core/stream/kept-streams.ts';
import { createCanceledBatches } from './attempt/canceled-batches.ts';
import { createExecutions } from './attempt/executions.ts';
import { createLogWindow, type FunctionWorker, type Load, type LogWindow, startFunctionWorker } from './function-worker.ts';
import type { WorkerPorts } from './ports.ts';
import { WorkerSlots, type WorkerSlotsOptions } from './slots/worker-slots.ts';

/** The worker role: executes functions, and appends the results to the log. */
export interface Worker {
  /** The slots of all functions of this worker together. */
  readonly load: Load;
  /**
   * Accepts no further item, lets running executions end, and releases the items that it did not start. Executions that still run after
   * `graceInMs` are aborted and recorded as lost, and another worker runs them again.
   */
  stop(graceInMs: number): Promise<void>;
}

export type WorkerOptions = WorkerPorts & {
  functions: { subscribe(listener: (name: FunctionName, found: FunctionEntry | undefined) => void): void };
  /** Whether this worker can run the function. A worker in the user's own process runs only the functions that are registered there. */
  canRun: (definition: FunctionDefinition) => boolean;
  timers?: Timers | undefined;
  window?: LogWindow | undefined;
  /** The slots that all functions share; without a limit, each function has its own alone. */
  limit?: WorkerSlotsOptions | undefined;
};

export function startWorker({
  functions,
  canRun,
  timers = systemTimers,
  window = createLogWindow(),
  limit,
  ...ports
}: WorkerOptions): Worker {
  const { worker, executionProbe, queue, logger, host } = ports;
  const executions = createExecutions();
  const kept = createKeptStreams(ports);
  const canceledBatches = createCanceledBatches(ports.log);
  const workerSlots = limit === undefined ? undefined : new WorkerSlots(limit);
  const functionWorkers = new Map<FunctionName, FunctionWorker>();
  /** The workers of removed functions, whose executions still run: they keep their leases, and a stop waits for them. */
  const retiring = new Map<FunctionWorker, Promise<void>>();
  const stopping = new AbortController();
  const { flow: store, clock, log } = ports;
  const ledger = createSlotLedger({ store, clock, logger, epoch: log.epoch, signal: stopping.signal });
  const endLeases = timers.every(queue.leaseInMs / 3, () => {
    for (const functionWorker of [...functionWorkers.values(), ...retiring.keys()]) functionWorker.keepLeases();
    ledger.refresh();
  });

  function retire(name: FunctionName): void {
    const removed = functionWorkers.get(name);
    functionWorkers.delete(name);
    if (removed !== undefined)
      retiring.set(
        removed,
        removed.stop().finally(() => retiring.delete(removed)),
      );
  }

  executionProbe.answer(worker, executions.isRunning, stopping.signal);
  ports.cancellations.subscribe(worker, executions.cancel, stopping.signal);
  ports.liveOutput?.answer(worker, (question) => host.live?.(question) ?? [], stopping.signal);
  const functionOf = (found: FunctionEntry | undefined): FunctionEntry | undefined =>
    found !== undefined && canRun(found.definition) ? found : undefined;
  functions.subscribe((name, found) => {
    if (stopping.signal.aborted) return;
    const present = functionWorkers.get(name);
    const fn = functionOf(found);
    if (fn === undefined) retire(name);
    else if (present === undefined) {
      functionWorkers.set(name, startFunctionWorker({ ports, executions, window, kept, ledger, canceledBatches, workerSlots }, fn));
      logger.debug({ function: name }, 'working for a function');
    } else present.update(fn);
  });

  return {
    get load() {
      const loads = [...functionWorkers.values()].map(({ load }) => load);
      const sum = loads.reduce((one, { held, slots }) => ({ held: one.held + held, slots: one.slots + slots }), { held: 0, slots: 0 });
      return limit === undefined ? sum : { held: sum.held, slots: Math.min(sum.slots, limit.size) };
    },
    async stop(graceInMs) {
      const cancelGrace = timers.after(graceInMs, executions.abort);
      await Promise.all([...functionWorkers.values()].map((functionWorker) => functionWorker.stop()));
      await Promise.all(retiring.values());
      await ledger.close();
      cancelGrace();
      endLeases();
      // Last, because until here other workers must learn that these executions run.
      stopping.abort();
      await host.close();
    },
  };
}
