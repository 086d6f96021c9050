import type { SlotLedger } from '#src/core/flow/slot-ledger.ts';
import type { FunctionEntry } from '#src/core/functions/entry.ts';
import { projectOf } from '#src/core/names/addressable.ts';
import { createActiveStreams } from '#src/core/stream/active-streams.ts';
import type { KeptStreams } from '#src/core/stream/kept-streams.ts';
import type { WorkItem } from '#src/core/stream/work-queue.ts';
import type { CanceledBatches } from './canceled-batches.ts';
import type { Executions } from './executions.ts';
import type { LogWindow } from './log-window.ts';
import type { WorkerPorts } from './ports.ts';
import { createSlots } from './slots.ts';
import { type StreamRunOptions, WorkerRun } from './stream-run.ts';
import type { WorkerSlots } from './worker-slots.ts';

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

/** How many attempts of a function wait for a shared slot in one worker, at most. */
const MAX_WAITING = 1_000;
const NOTHING_PENDING = { acquiring: 0, waiting: 0 };

export type FunctionWorkerOptions = {
  ports: WorkerPorts;
  executions: Executions;
  window: LogWindow;
  kept: KeptStreams;
  ledger: SlotLedger;
  canceledBatches: CanceledBatches;
  /** The slots that all functions of the worker share; `undefined` without a limit. */
  workerSlots: WorkerSlots | undefined;
};

export function startFunctionWorker(
  { ports, executions, window, kept, ledger, canceledBatches, workerSlots }: FunctionWorkerOptions,
  initial: FunctionEntry,
): FunctionWorker {
  const { queue, log, logger } = ports;
  let fn = initial;
  const shared = workerSlots === undefined ? undefined : { slots: workerSlots, project: projectOf(fn.definition.name) };
  const slots = createSlots(fn.definition.concurrency, () => subscription.pull(), shared);
  const options: StreamRunOptions = { ports, fn: () => fn, slots, executions, ledger, canceledBatches };
  const activeStreams = createActiveStreams({
    log,
    logger,
    kept,
    createRun: (state, items) => new WorkerRun(options, state, items),
    onRunEnd: () => subscription.pull(),
  });
  const stopping = new AbortController();
  // The moving average of invocations per item, so that batches do not bring more invocations than there are free slots.
  let meanBatch = 1;
  let takesOne = false;

  const subscription = queue.run({
    source: { kind: 'function', name: fn.definition.name },
    signal: stopping.signal,
    demand,
    onItem,
  });

  function demand(): number {
    if (slots.waiting > 0 || fn.definition.paused) return 0;
    const { acquiring, waiting } = pendingInFlow();
    if (waiting > 0) return takesOne ? 1 : 0;
    const waitingForLog = activeStreams.size - slots.executing;
    return Math.min(Math.ceil((slots.free - acquiring) / meanBatch), window.size - waitingForLog);
  }

  /** The attempts that want a shared slot. A function without a flow has none. */
  function pendingInFlow(): { acquiring: number; waiting: number } {
    return fn.definition.flow === undefined ? NOTHING_PENDING : ledger.pendingOf(fn.definition.name);
  }

  /**
   * Takes one item although all slots of the flow are taken. A slot may belong to an attempt whose worker died. Its item is redelivered
   * before any new one, and nobody frees the slot until a worker takes the item (SLOT4).
   */
  function takeOneMore(): void {
    const { waiting } = pendingInFlow();
    if (waiting === 0 || waiting >= MAX_WAITING) return;
    takesOne = true;
    subscription.pull();
  }

  function onItem(item: WorkItem): void {
    takesOne = false;
    if (stopping.signal.aborted) return item.release();
    if (item.message !== undefined) meanBatch += (item.message.requests.length - meanBatch) / 16;
    activeStreams.take(item);
  }

  return {
    get load() {
      return { held: slots.held, slots: slots.size };
    },
    update(next) {
      if (!isSameFlow(fn, next)) ledger.endWaits(fn.definition.name, 'changed');
      fn = next;
      slots.resize(next.definition.concurrency);
      subscription.pull();
    },
    keepLeases() {
      activeStreams.keepLeases();
      takeOneMore();
    },
    async stop() {
      stopping.abort();
      await subscription.done;
      slots.close();
      ledger.endWaits(fn.definition.name, 'closed');
      while (activeStreams.size > 0) await ports.clock.sleep(10);
    },
  };
}

function isSameFlow({ definition: one }: FunctionEntry, { definition: other }: FunctionEntry): boolean {
  return JSON.stringify(one.flow) === JSON.stringify(other.flow);
}
