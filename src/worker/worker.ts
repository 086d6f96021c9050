import { createSlotLedger } from '#src/core/flow/slot-ledger.ts';
import type { FunctionDefinition } from '#src/core/functions/definition.ts';
import type { FunctionEntry } from '#src/core/functions/entry.ts';
import { hasLimits } from '#src/core/functions/flow.ts';
import type { FunctionName } from '#src/core/names/names.ts';
import { systemTimers, type Timers } from '#src/core/ports/clock.ts';
import type { KeyValue } from '#src/core/ports/stores/key-value.ts';
import { createKeptStreams } from '#src/core/stream/kept-streams.ts';
import type { WorkConsumers } from '#src/core/stream/work-consumers.ts';
import { createCanceledBatches } from './attempt/canceled-batches.ts';
import { createExecutions } from './attempt/executions.ts';
import { createLogWindow, type FunctionWorker, type Load, type LogWindow, startFunctionWorker } from './function-worker.ts';
import type { WorkerPorts } from './ports.ts';
import { WorkerSlots, type WorkerSlotsOptions } from './slots/worker-slots.ts';
import { watchWork } from './work-watch.ts';

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
  /** The consumers of functions, and the store of the scheduler's floor. Without them, the queue delivers for every function at any time. */
  workConsumers?: WorkConsumers | undefined;
  state?: KeyValue | undefined;
};

export function startWorker({
  functions,
  canRun,
  timers = systemTimers,
  window = createLogWindow(),
  limit,
  workConsumers: consumers,
  state,
  ...ports
}: WorkerOptions): Worker {
  const { worker, executionProbe, queue, logger, host } = ports;
  const executions = createExecutions();
  const kept = createKeptStreams(ports);
  const canceledBatches = createCanceledBatches(ports.log);
  const workerSlots = limit === undefined ? undefined : new WorkerSlots(limit);
  /** The functions that this worker can run. */
  const known = new Map<FunctionName, FunctionEntry>();
  /** The workers of functions with work, and of those with limits over all workers. */
  const functionWorkers = new Map<FunctionName, FunctionWorker>();
  /** The workers of removed functions, whose executions still run: they keep their leases, and a stop waits for them. */
  const retiring = new Map<FunctionWorker, Promise<void>>();
  const stopping = new AbortController();
  /** Ends before the other subscriptions, so that a worker that stops begins no work. */
  const watching = new AbortController();
  const ledger = createSlotLedger({ ...ports, store: ports.flow, epoch: ports.log.epoch, signal: stopping.signal });
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

  function work(name: FunctionName): void {
    const fn = known.get(name);
    if (fn === undefined || functionWorkers.has(name) || watching.signal.aborted) return;
    const onGone = (): boolean => {
      // A waiting attempt of a function with limits has no item, so that the function must be served without one (SLOT6).
      const isOver = !hasLimits(known.get(name)?.definition.flow);
      if (isOver && functionWorkers.get(name) === started) retire(name);
      return isOver;
    };
    const given = { ports, executions, window, kept, ledger, canceledBatches, workerSlots };
    const started = startFunctionWorker(consumers === undefined ? given : { ...given, onGone }, fn);
    functionWorkers.set(name, started);
    logger.debug({ function: name }, 'working for a function');
  }

  functions.subscribe((name, found) => {
    if (stopping.signal.aborted) return;
    if (found === undefined || !canRun(found.definition)) {
      known.delete(name);
      return retire(name);
    }
    known.set(name, found);
    functionWorkers.get(name)?.update(found);
    if (consumers === undefined || hasLimits(found.definition.flow)) work(name);
  });
  if (consumers !== undefined && state !== undefined)
    void watchWork({ ...ports, consumers, state, known, onWork: work, signal: watching.signal });

  return {
    get load() {
      const held = sum([...functionWorkers.values()].map(({ load }) => load.held));
      return { held, slots: Math.min(sum([...known.values()].map(({ definition }) => definition.concurrency)), limit?.size ?? NO_LIMIT) };
    },
    async stop(graceInMs) {
      watching.abort();
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

const NO_LIMIT = Number.POSITIVE_INFINITY;

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}
