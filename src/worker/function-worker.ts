import { messageOf } from '#src/core/errors.ts';
import type { RegisteredFunction } from '#src/core/function-definition.ts';
import type { FunctionName } from '#src/core/names.ts';
import { loadStream, newborn } from '#src/core/stream.ts';
import type { WorkItem } from '#src/core/work-queue.ts';
import type { Executions } from './executions.ts';
import type { WorkerPorts } from './ports.ts';
import { createSlots } from './slots.ts';
import { createStreamRun, type Rest, restOf, type StreamRun } from './stream-run.ts';

/** Works for one function: takes items while there are places, and brings the streams behind them forward. */
export interface FunctionWorker {
  /** A new revision of the function: later attempts run under it. */
  update(fn: RegisteredFunction): void;
  /** Extends the lease of everything that is being worked on. */
  keepLeases(): void;
  /** Takes nothing more; resolves when everything it holds is settled or handed back. */
  stop(): Promise<void>;
}

/** A stream at hand, with the items that brought it: all of them are settled when the stream rests. */
type Hand = { items: WorkItem[]; run: StreamRun | undefined; advances: Promise<Rest>[] };

export function startFunctionWorker(ports: WorkerPorts, executions: Executions, initial: RegisteredFunction): FunctionWorker {
  const { queue, log, logger } = ports;
  const name = initial.definition.name as FunctionName;
  let fn = initial;
  const slots = createSlots(fn.definition.concurrency, () => subscription.pull());
  const hands = new Map<string, Hand>();
  const stopping = new AbortController();
  // How many invocations one item brings, lately: batches must not bring more than there are places.
  let meanBatch = 1;

  const subscription = queue.run({
    function: name,
    signal: stopping.signal,
    demand: () => (slots.waiting > 0 ? 0 : Math.ceil(slots.free / meanBatch)),
    onItem,
  });

  function onItem(item: WorkItem): void {
    if (stopping.signal.aborted) return item.release();
    if (item.message !== undefined) meanBatch += (item.message.requests.length - meanBatch) / 16;
    const hand = hands.get(item.name.stream);
    if (hand === undefined) return void work(item);
    // It came again, or a wake came for another invocation of the same stream.
    hand.items.push(item);
    if (hand.run !== undefined) hand.advances.push(hand.run.advance());
  }

  async function work(item: WorkItem): Promise<void> {
    const hand: Hand = { items: [item], run: undefined, advances: [] };
    hands.set(item.name.stream, hand);
    try {
      const state = item.isFirstDelivery && item.message !== undefined ? newborn(item.message) : await loadStream(log, item.name, item.message ?? item.request);
      // The request is not in the log any more: it was archived, and only finished invocations are.
      if (state === undefined) return settle(hand, (held) => held.ack());
      hand.run = createStreamRun({ ports, state, fn: () => fn, slots, executions });
      hand.advances.push(hand.run.advance());
      const rests: Rest[] = [];
      while (hand.advances.length > 0) rests.push(...(await Promise.all(hand.advances.splice(0))));
      const rest = restOf(rests);
      if (rest === 'done') settle(hand, (held) => held.ack());
      else if (rest === 'untouched') settle(hand, (held) => held.release());
      // Elsewhere: without an acknowledgement it comes again after the lease, and the owner is asked again.
    } catch (error) {
      // The log cannot tell. Nothing is claimed: the item comes again after the lease, and the log is read first then.
      logger.warn({ function: name, stream: item.name.stream, error: messageOf(error) }, 'the work on a stream was given up for now');
    } finally {
      hands.delete(item.name.stream);
      subscription.pull();
    }
  }

  function settle(hand: Hand, how: (item: WorkItem) => void): void {
    for (const item of hand.items) how(item);
  }

  return {
    update(next) {
      fn = next;
      slots.resize(next.definition.concurrency);
      subscription.pull();
    },
    keepLeases() {
      for (const { items } of hands.values()) for (const item of items) item.working();
    },
    async stop() {
      stopping.abort();
      await subscription.done;
      slots.close();
      while (hands.size > 0) await ports.clock.sleep(10);
    },
  };
}
