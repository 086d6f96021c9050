import { type EventLoopUtilization, performance } from 'node:perf_hooks';
import type { SlotLedger } from '#src/core/flow/slot-ledger.ts';
import type { FunctionEntry } from '#src/core/functions/entry.ts';
import { hasLimits, type PoolId, poolOf } from '#src/core/functions/flow.ts';
import { projectOf } from '#src/core/names/addressable.ts';
import { ActiveStreams } from '#src/core/stream/active-streams.ts';
import type { KeptStreams } from '#src/core/stream/kept-streams.ts';
import type { WorkItem } from '#src/core/stream/work-queue.ts';
import type { CanceledBatches } from './attempt/canceled-batches.ts';
import type { Executions } from './attempt/executions.ts';
import { type StreamRunOptions, WorkerRun } from './attempt/stream-run.ts';
import type { WorkerPorts } from './ports.ts';
import { createExecutionSlots } from './slots/execution-slots.ts';
import { GrantedAttempts } from './slots/granted-attempts.ts';
import type { WorkerSlots } from './slots/worker-slots.ts';

/** The slots that are held, and all slots. */
export type Load = { held: number; slots: number };

/** Works for one function: accepts items while slots are free, and runs the streams behind them. */
export interface FunctionWorker {
  readonly load: Load;
  /** Adopts a new revision of the function. Later attempts run under it. */
  update(fn: FunctionEntry): void;
  /** Extends the lease of every item in progress. */
  keepLeases(): void;
  /** Accepts no further item. Resolves when every item is acknowledged, released or left to its lease. */
  stop(): Promise<void>;
}

export type FunctionWorkerOptions = {
  ports: WorkerPorts;
  executions: Executions;
  window: LogWindow;
  kept: KeptStreams;
  ledger: SlotLedger;
  canceledBatches: CanceledBatches;
  /** The slots that all functions of the worker share; `undefined` without a limit. */
  workerSlots: WorkerSlots | undefined;
  /** Called when the function has no consumer and no work; returns whether its worker ends. */
  onGone?: (() => boolean) | undefined;
};

export function startFunctionWorker(
  { ports, executions, window, kept, ledger, canceledBatches, workerSlots, onGone }: FunctionWorkerOptions,
  initial: FunctionEntry,
): FunctionWorker {
  const { queue, log, logger } = ports;
  let fn = initial;
  const shared = workerSlots === undefined ? undefined : { slots: workerSlots, project: projectOf(fn.definition.name) };
  const slots = createExecutionSlots(fn.definition.concurrency, () => subscription.pull(), shared);
  const { name } = fn.definition;
  const granted = new GrantedAttempts({ functionName: name, slots, ledger, ports, take: (item) => activeStreams.take(item) });
  const options: StreamRunOptions = { ports, fn: () => fn, slots, executions, ledger, granted, canceledBatches };
  const activeStreams = new ActiveStreams({
    log,
    logger,
    kept,
    createRun: (state, items) => new WorkerRun(options, state, items),
    onRunEnd: () => subscription.pull(),
    onLeftUnacked: (item) => granted.noteLeft(item),
  });
  const stopping = new AbortController();
  // The moving average of invocations per item, so that batches do not bring more invocations than there are free slots.
  let meanBatch = 1;
  let servedPool: PoolId | undefined;

  const subscription = queue.run({
    source: { kind: 'function', name },
    signal: stopping.signal,
    demand,
    onItem,
    onGone,
  });

  function demand(): number {
    if (slots.waiting > 0 || fn.definition.paused) return 0;
    const waitingForLog = activeStreams.size - slots.executing;
    return Math.min(Math.ceil(slots.free / meanBatch), window.size - waitingForLog);
  }

  function onItem(item: WorkItem): void {
    if (stopping.signal.aborted) return item.release();
    if (item.message !== undefined) meanBatch += (item.message.requests.length - meanBatch) / 16;
    activeStreams.take(item);
  }

  /** Gives slots to the attempts that wait in the log, while this worker has places. A paused function starts none. */
  function serve(): void {
    const { flow, paused } = fn.definition;
    const pool = hasLimits(flow) && !paused ? poolOf(name, flow) : undefined;
    if (pool === servedPool) return;
    if (servedPool !== undefined) ledger.endService(servedPool, name);
    servedPool = pool;
    if (pool !== undefined) ledger.serve(pool, granted);
  }

  serve();
  return {
    get load() {
      return { held: slots.held, slots: slots.size };
    },
    update(next) {
      fn = next;
      slots.resize(next.definition.concurrency);
      serve();
      subscription.pull();
    },
    keepLeases() {
      activeStreams.keepLeases();
    },
    async stop() {
      stopping.abort();
      await subscription.done;
      if (servedPool !== undefined) ledger.endService(servedPool, name);
      slots.close();
      granted.close();
      while (activeStreams.size > 0) await ports.clock.sleep(10);
    },
  };
}

/**
 * Adaptive limit on the streams whose appends are in flight: halved when the event loop is saturated, doubled when it is not
 * (docs/performance.md V7).
 */
export interface LogWindow {
  readonly size: number;
}

const MIN_SIZE = 64;
const MAX_SIZE = 1_024;
const INTERVAL_IN_MS = 50;
/** The share of busy time above which the event loop is saturated. */
const SATURATED = 0.9;

type Utilization = (current?: EventLoopUtilization, since?: EventLoopUtilization) => EventLoopUtilization;

/** `utilization` returns the share of time in which the event loop was busy, as `performance.eventLoopUtilization` does. */
export function createLogWindow(utilization: Utilization = performance.eventLoopUtilization, now = () => performance.now()): LogWindow {
  let size = MIN_SIZE;
  let since = utilization();
  let measuredAt = now();
  return {
    get size() {
      const at = now();
      if (at - measuredAt < INTERVAL_IN_MS) return size;
      const current = utilization();
      const share = utilization(current, since).utilization;
      size = share > SATURATED ? Math.max(MIN_SIZE, size / 2) : Math.min(MAX_SIZE, size * 2);
      since = current;
      measuredAt = at;
      return size;
    },
  };
}
