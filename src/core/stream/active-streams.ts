import { messageOf } from '#src/core/errors.ts';
import type { EventLog } from '#src/core/log/event-log.ts';
import { streamKey } from '#src/core/names/ids.ts';
import { type Logger, levelOf } from '#src/core/ports/logger.ts';
import type { KeptStreams } from './kept-streams.ts';
import { PassingMap } from './passing-map.ts';
import { initialState, loadStream, type StreamState } from './stream.ts';
import type { WorkItem } from './work-queue.ts';

/** What this process has left to do in a stream. */
export type RunResult =
  /** Nothing now: the stream is settled, or waits for a time that the scheduler watches. The items are acknowledged. */
  | 'settled'
  /** Another process works on the stream, or it must wait. The items stay unacknowledged, and are redelivered after the lease. */
  | 'left-unacked'
  /** This process stops, and started nothing. The items are released to another process. */
  | 'not-started';

/** The result of several parts of a run: the one that acknowledges least. */
export function combineResults(results: readonly RunResult[]): RunResult {
  if (results.includes('not-started')) return 'not-started';
  return results.includes('left-unacked') ? 'left-unacked' : 'settled';
}

/** Performs what is due in one stream. */
export interface StreamRun {
  /** Advances every invocation of the stream that no earlier call is still advancing. Rejects when the log cannot be read or written. */
  advance(): Promise<RunResult>;
  /** Adopts the newest facts of the stream, because a further item of the stream arrived: another process may have appended. */
  refresh(newer?: StreamState): Promise<void>;
  /** The stream as the run last read or wrote it. Absent in a run whose stream is not kept. */
  readonly state?: StreamState;
}

export type ActiveStreamsOptions = {
  log: EventLog;
  logger: Logger;
  /** `items` grows while the run is active. */
  createRun: (state: StreamState, items: readonly WorkItem[]) => StreamRun;
  /** A stream is no longer active. */
  onRunEnd: () => void;
  /** The log answered a read, or failed, so that a further stream may be read. */
  onRead?: () => void;
  /** Streams of earlier runs, which need not be read. */
  kept?: KeptStreams;
  /** An item stays unacknowledged (`left-unacked`). */
  onLeftUnacked?: (item: WorkItem) => void;
};

/** `rechecks` never reject. `run` and `hasFailed` decide whether a further item makes the run recheck. */
type ActiveStream = { items: WorkItem[]; run: StreamRun | undefined; rechecks: Promise<RunResult>[]; hasFailed: boolean };

/**
 * The streams that this process works on, with the items that brought them.
 *
 * - A stream has at most one run. An item that arrives meanwhile joins the run, which then rechecks the stream (ITEM1).
 * - An item is acknowledged only when nothing is left to do in its stream now, and every fact of the run is durable (ITEM2).
 * - When one part of a run fails, all items of the stream stay unacknowledged (ITEM3).
 *
 * A stream is active until everything that was started for it has ended.
 */
export class ActiveStreams {
  readonly #options: ActiveStreamsOptions;
  readonly #streams = new PassingMap<string, ActiveStream>();
  #loading = 0;

  constructor(options: ActiveStreamsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#streams.size;
  }

  /** How many of the streams are being read from the log. */
  get loading(): number {
    return this.#loading;
  }

  take(item: WorkItem): void {
    const key = streamKey(item.name);
    const active = this.#streams.get(key);
    if (active === undefined) return void this.#work(item, key);
    // The item was redelivered, or it is a hint for another invocation of the stream.
    active.items.push(item);
    if (active.run !== undefined && !active.hasFailed) active.rechecks.push(this.#recheck(active, active.run, item));
  }

  /** Extends the lease of every item. */
  readonly keepLeases = (): void => {
    for (const [, { items }] of this.#streams) for (const item of items) item.working();
  };

  async #work(item: WorkItem, key: string): Promise<void> {
    const active: ActiveStream = { items: [item], run: undefined, rechecks: [], hasFailed: false };
    this.#streams.set(key, active);
    let result: RunResult = 'left-unacked';
    try {
      const kept = this.#options.kept?.take(item);
      const state = kept ?? (await this.#open(item));
      // A request that is not in the log was archived, and only settled streams are archived (J2).
      result = state === undefined || state === 'settled' ? 'settled' : await this.#startRun(active, state);
    } catch (error) {
      this.#giveUp(active, error);
    }
    while (active.rechecks.length > 0) result = combineResults([result, ...(await Promise.all(active.rechecks.splice(0)))]);
    this.#settle(active, result);
    if (result === 'settled') this.#keep(active);
    this.#streams.delete(key);
    this.#options.onRunEnd();
  }

  async #open({ state, name, message, request, isFirstDelivery }: WorkItem): Promise<StreamState | undefined> {
    if (state !== undefined) return state;
    // No process can have appended to a stream before the first delivery of its request.
    if (isFirstDelivery && message !== undefined) return initialState(message);
    this.#loading++;
    try {
      return await loadStream(this.#options.log, name, message ?? request);
    } finally {
      this.#loading--;
      this.#options.onRead?.();
    }
  }

  /** A stream without a wake, a retry or a wait for a slot is not kept, because nearly every stream is one. */
  #keep({ items, run }: ActiveStream): void {
    const state = run?.state;
    if (state === undefined || this.#options.kept === undefined) return;
    if (items.some(({ message }) => message === undefined) || isRunAgain(state)) this.#options.kept.keep(state);
  }

  #startRun(active: ActiveStream, state: StreamState): Promise<RunResult> {
    const run = this.#options.createRun(state, active.items);
    active.run = run;
    const advancing = run.advance();
    // Items that arrived during the read may carry a newer version than the read returned.
    for (let index = 1; index < active.items.length; index++) {
      active.rechecks.push(this.#recheck(active, run, active.items[index] as WorkItem));
    }
    return advancing;
  }

  /** Never rejects, because no code awaits a recheck before the parts that started earlier have ended. */
  async #recheck(active: ActiveStream, run: StreamRun, { state, version }: WorkItem): Promise<RunResult> {
    try {
      // An item whose sender knew nothing newer than the run brings no fact: the log is not read for it.
      const known = run.state?.version;
      const isKnown = state === undefined && version !== undefined && known !== undefined && version <= known;
      if (!isKnown) await run.refresh(state);
      return await run.advance();
    } catch (error) {
      this.#giveUp(active, error);
      return 'left-unacked';
    }
  }

  /** The log did not answer, or refused. JetStream redelivers the items after the lease, and the next run reads the log first (ITEM3). */
  #giveUp(active: ActiveStream, error: unknown): void {
    if (active.hasFailed) return;
    active.hasFailed = true;
    const { name } = active.items[0] as WorkItem;
    const facts = { function: name.function, stream: name.stream, error: messageOf(error) };
    this.#options.logger[levelOf(error)](facts, 'the work on a stream was given up until its next delivery');
  }

  #settle({ items }: ActiveStream, result: RunResult): void {
    const { onLeftUnacked } = this.#options;
    if (result === 'settled') for (const item of items) item.ack();
    else if (result === 'not-started') for (const item of items) item.release();
    else if (onLeftUnacked !== undefined) for (const item of items) onLeftUnacked(item);
  }
}

/** Whether a wake will bring the stream again: an attempt failed, or waits for a slot of its key. */
function isRunAgain({ invocations }: StreamState): boolean {
  for (const { value, context } of invocations.values()) if (value === 'retrying' || context.waitsFor !== null) return true;
  return false;
}
