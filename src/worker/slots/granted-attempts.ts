import { messageOf } from '#src/core/errors.ts';
import { attemptIdOf } from '#src/core/flow/entry-change.ts';
import { isOver } from '#src/core/flow/is-over.ts';
import type { Attempt, Waiter } from '#src/core/flow/ledger-entry.ts';
import type { ExecutionSlotOwner } from '#src/core/flow/pool-execution-slots.ts';
import type { SlotLedger } from '#src/core/flow/slot-ledger.ts';
import type { PoolId } from '#src/core/functions/flow.ts';
import { NO_APPENDS, type StreamName, type StreamVersion } from '#src/core/log/event-log.ts';
import { streamOf } from '#src/core/names/ids.ts';
import type { FunctionName, RequestId } from '#src/core/names/names.ts';
import { levelOf } from '#src/core/ports/logger.ts';
import { loadStream, type StreamState } from '#src/core/stream/stream.ts';
import type { WorkItem } from '#src/core/stream/work-queue.ts';
import type { WorkerPorts } from '#src/worker/ports.ts';
import type { ExecutionSlots } from './execution-slots.ts';
import type { LedgerSlot } from './ledger-slot.ts';

type Options = {
  functionName: FunctionName;
  slots: ExecutionSlots;
  ledger: SlotLedger;
  ports: Pick<WorkerPorts, 'log' | 'hints' | 'logger'>;
  /** Runs the stream of an item in this process. */
  take: (item: WorkItem) => void;
};

/** How often the run of a stream may end without the start of an attempt that has its slot. The stream may be ending an earlier run. */
const MAX_RUNS = 3;

/**
 * The attempts of one function that got a slot of the ledger and a place of this worker while they waited in the log, until their runs start
 * them (SLOT6).
 *
 * No message stands for them. An attempt that its run does not start gives its place back. Its slot is freed when the log shows that the
 * attempt is over. Otherwise the slot stays held, and the scheduler wakes the stream after the patience.
 */
export class GrantedAttempts implements ExecutionSlotOwner {
  readonly function: string;
  readonly #options: Options;
  readonly #granted = new Map<string, LedgerSlot>();
  /** The runs that wait for a place for an attempt, which may get a slot and a place meanwhile. */
  readonly #waiting = new Map<string, (slot: LedgerSlot) => void>();

  constructor(options: Options) {
    this.function = options.functionName;
    this.#options = options;
  }

  takeExecutionSlot(): boolean {
    return this.#options.slots.tryAcquire();
  }

  waitForExecutionSlot(): Promise<boolean> {
    return this.#options.slots.acquire();
  }

  releaseExecutionSlot(): void {
    this.#options.slots.release();
  }

  start(pool: PoolId, waiter: Waiter): void {
    const id = attemptIdOf(waiter);
    const resolve = this.#waiting.get(id);
    // Its run waits for the place that the attempt has now.
    if (resolve !== undefined) return resolve({ pool, waiter });
    this.#granted.set(id, { pool, waiter });
    this.#run(waiter, 1);
  }

  /** Takes over an attempt, with its slot and its place. */
  claim(attempt: Pick<Attempt, 'invocation' | 'attempt'>): { slot: LedgerSlot } | undefined {
    const id = attemptIdOf({ function: this.function, ...attempt });
    const slot = this.#granted.get(id);
    this.#granted.delete(id);
    return slot === undefined ? undefined : { slot };
  }

  /**
   * Waits for a place for an attempt; false when the worker of the function stops. Resolves to the slot when the attempt gets a slot and a place
   * meanwhile, because it waits in the log too.
   */
  placeFor(attempt: Pick<Attempt, 'invocation' | 'attempt'>): boolean | Promise<boolean | { slot: LedgerSlot }> {
    const { slots } = this.#options;
    if (slots.tryAcquire()) return true;
    const id = attemptIdOf({ function: this.function, ...attempt });
    return new Promise((resolve) => {
      let isGranted = false;
      this.#waiting.set(id, (slot) => {
        isGranted = true;
        this.#waiting.delete(id);
        resolve({ slot });
      });
      void slots.acquire().then((hasPlace) => {
        if (isGranted && hasPlace) slots.release();
        if (isGranted) return;
        this.#waiting.delete(id);
        resolve(hasPlace);
      });
    });
  }

  /** An item of {@link GrantedAttempts} stays unacknowledged. */
  noteLeft(item: WorkItem): void {
    if (item instanceof GrantedItem) item.release();
  }

  /** Gives back what no run started. Another worker starts it, because the ledger holds its slot (SLOT4). */
  close(): void {
    const { hints } = this.#options.ports;
    for (const [id, { pool, waiter }] of this.#granted) {
      this.#giveUp(id, pool, waiter);
      const name = this.#nameOf(waiter);
      hints.wake(name, waiter.request, `${name.stream}.0.left-${waiter.invocation}-${waiter.attempt}`);
    }
  }

  #nameOf({ invocation }: Attempt): StreamName {
    return { function: this.#options.functionName, stream: streamOf(invocation as RequestId) };
  }

  /** `read`: the stream, as a run left it that did not start the attempt. That run may have had a state that was kept before the wait. */
  #run(waiter: Waiter, runs: number, read?: StreamState): void {
    const onSettled = (isDone: boolean): void => void this.#afterRun(waiter, runs, isDone);
    this.#options.take(new GrantedItem({ name: this.#nameOf(waiter), waiter, read }, onSettled));
  }

  /** `isDone`: whether the run left nothing to do, so that the results of its outcomes are stored (EXEC4). */
  async #afterRun(waiter: Waiter, runs: number, isDone: boolean): Promise<void> {
    const { ledger, ports } = this.#options;
    const id = attemptIdOf(waiter);
    if (!this.#granted.has(id)) return;
    try {
      const stream = await loadStream(ports.log, this.#nameOf(waiter), waiter.request);
      const invocation = stream?.invocations.get(waiter.invocation);
      const found = this.#granted.get(id);
      if (found === undefined) return;
      if (isOver(invocation, waiter)) {
        this.#giveUp(id, found.pool, waiter);
        // Otherwise only the entry shows the scheduler that the result may be missing (PUB3).
        if (isDone) ledger.release(found.pool, waiter);
      } else if (runs < MAX_RUNS && invocation?.context.attempts === waiter.attempt - 1) this.#run(waiter, runs + 1, stream);
      else this.#giveUp(id, found.pool, waiter);
    } catch (error) {
      ports.logger[levelOf(error)](
        { invocation: waiter.invocation, error: messageOf(error) },
        'an attempt with a slot could not be started',
      );
      const found = this.#granted.get(id);
      if (found !== undefined) this.#giveUp(id, found.pool, waiter);
    }
  }

  #giveUp(id: string, pool: PoolId, waiter: Waiter): void {
    this.#granted.delete(id);
    this.#options.ledger.leave(pool, waiter);
    this.releaseExecutionSlot();
  }
}

/** Stands for an attempt that got its slot. It is no message, so there is nothing to acknowledge. */
class GrantedItem implements WorkItem {
  readonly name: StreamName;
  readonly request: number;
  readonly sequence = 0;
  readonly state: StreamState | undefined;
  /** A kept state that is as new may be used: the first append expects its version (KEEP2). */
  readonly version: StreamVersion;
  readonly isFirstDelivery = false;
  readonly grants: string;
  readonly #onSettled: (isDone: boolean) => void;

  constructor(
    { name, waiter, read }: { name: StreamName; waiter: Attempt; read: StreamState | undefined },
    onSettled: (isDone: boolean) => void,
  ) {
    this.name = name;
    this.request = waiter.request;
    this.grants = waiter.invocation;
    this.state = read;
    this.version = read?.version ?? NO_APPENDS;
    this.#onSettled = onSettled;
  }

  ack(): void {
    this.#onSettled(true);
  }

  working(): void {}

  release(): void {
    this.#onSettled(false);
  }

  delayRedelivery(): void {}
}
