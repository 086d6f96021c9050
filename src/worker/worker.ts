import type { LedgerEntry } from '#src/core/flow/ledger-entry.ts';
import { createSlotLedger } from '#src/core/flow/slot-ledger.ts';
import type { FunctionDefinition } from '#src/core/functions/definition.ts';
import type { FunctionEntry } from '#src/core/functions/entry.ts';
import { hasLimits, type PoolId, poolOf } from '#src/core/functions/flow.ts';
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
  /** The slots of all functions that this worker works for, together. A function without work has none. */
  readonly load: Load;
  /**
   * Accepts no further item, lets running executions end, and releases the items that it did not start. Executions that still run after
   * `graceInMs` are aborted and recorded as lost, and another worker runs them again.
   */
  stop(graceInMs: number): Promise<void>;
}

export type WorkerOptions = WorkerPorts & {
  functions: {
    get(name: FunctionName): FunctionEntry | undefined;
    names(): Iterable<FunctionName>;
    /** Calls `listener` for the functions whose stored text contains a text, and at every change. */
    subscribe(listener: (name: FunctionName, found: FunctionEntry | undefined) => void, containing: string): void;
  };
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
  const runnable = (name: FunctionName): FunctionEntry | undefined => definedThat(canRun, functions.get(name));
  /** The workers of functions with work, and of those that had work and have limits over all workers. */
  const functionWorkers = new Map<FunctionName, FunctionWorker>();
  /** The workers of removed functions, whose executions still run: they keep their leases, and a stop waits for them. */
  const retiring = new Map<FunctionWorker, Promise<void>>();
  const stopping = new AbortController();
  /** Ends before the other subscriptions, so that a worker that stops begins no work. */
  const watching = new AbortController();
  // An attempt that waits in the log has no item: its entry of the ledger says that its function has work (SLOT6).
  const onEntry = (_: PoolId, entry: LedgerEntry | undefined): void => forEachFunction(entry?.waiters ?? [], work);
  const ledger = createSlotLedger({ ...ports, store: ports.flow, epoch: ports.log.epoch, signal: stopping.signal, onEntry });
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
    const fn = functionWorkers.has(name) ? undefined : runnable(name);
    if (fn === undefined || watching.signal.aborted) return;
    const onGone = (): boolean => {
      // A waiting attempt of a function with limits has no item, so that the function must be served without one (SLOT6).
      const isOver = !hasLimits(runnable(name)?.definition.flow);
      if (isOver && functionWorkers.get(name) === started) retire(name);
      return isOver;
    };
    const given = { ports, executions, window, kept, ledger, canceledBatches, workerSlots };
    const started = startFunctionWorker(consumers === undefined ? given : { ...given, onGone }, fn);
    functionWorkers.set(name, started);
    logger.debug({ function: name }, 'working for a function');
  }

  function adopt(name: FunctionName, found: FunctionEntry | undefined): void {
    if (stopping.signal.aborted) return;
    if (found === undefined || !canRun(found.definition)) return retire(name);
    functionWorkers.get(name)?.update(found);
    const { flow } = found.definition;
    if (consumers === undefined) work(name);
    else if (hasLimits(flow)) ledger.look(poolOf(name, flow));
  }

  // With consumers, a function needs its worker when it has an item, or waiters in the ledger.
  functions.subscribe(adopt, consumers === undefined ? '' : '"flow"');
  if (consumers !== undefined && state !== undefined)
    void watchWork({ ...ports, consumers, state, runnable, names: functions.names, onWork: work, signal: watching.signal });

  return {
    get load() {
      return loadOf([...functionWorkers.values()], limit?.size);
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

/** The waiters of a pool are many, and their functions few. */
function forEachFunction(waiters: LedgerEntry['waiters'], call: (name: FunctionName) => void): void {
  let last: string | undefined;
  for (const { function: name } of waiters) {
    if (name !== last) call(name as FunctionName);
    last = name;
  }
}

function loadOf(functionWorkers: readonly FunctionWorker[], limit = Number.POSITIVE_INFINITY): Load {
  const loads = functionWorkers.map(({ load }) => load);
  return { held: sum(loads.map(({ held }) => held)), slots: Math.min(sum(loads.map(({ slots }) => slots)), limit) };
}

/** The function, when the worker can run it. */
function definedThat(canRun: WorkerOptions['canRun'], found: FunctionEntry | undefined): FunctionEntry | undefined {
  return found !== undefined && canRun(found.definition) ? found : undefined;
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}
