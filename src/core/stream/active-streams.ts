import { messageOf } from '#src/core/errors.ts';
import type { EventLog } from '#src/core/log/event-log.ts';
import { streamKey } from '#src/core/log/stream-key.ts';
import { type Logger, levelOf } from '#src/core/ports/logger.ts';
import { PassingMap } from './passing-map.ts';
import { initialState, loadStream, type StreamState } from './stream.ts';
import type { WorkItem } from './work-queue.ts';

/** What became of an invocation, as far as this process is concerned. */
export type RunResult =
  /** It is settled, or waits for a time that the scheduler watches. */
  | 'settled'
  /** Another process is at it, or it must wait here. Unacknowledged, it comes again after the lease. */
  | 'left-unacked'
  /** This process stops; nothing was begun. */
  | 'not-started';

/** What became of all of them together. */
export function combineResults(rests: readonly RunResult[]): RunResult {
  if (rests.includes('not-started')) return 'not-started';
  return rests.includes('left-unacked') ? 'left-unacked' : 'settled';
}

/** Brings the invocations of one stream forward, as far as the log allows now. */
export interface StreamRun {
  /** Brings every invocation forward that this run is not busy with already. Rejects when the log cannot tell. */
  advance(): Promise<RunResult>;
  /** Learns what is new in the stream. Without it, what comes for a stream in hand tells nothing new of it. */
  refresh?(known?: StreamState): Promise<void>;
}

/**
 * The streams that this process has in hand, with the items that brought them.
 *
 * Invariant: an item is acknowledged only when its stream rests and everything about it is durable. A stream is in hand
 * once: what comes for it meanwhile makes the same run look again. It is in hand until all that was started for it has
 * ended, and a failure of one part leaves all its items unacknowledged.
 */
export interface ActiveStreams {
  readonly size: number;
  /** How many of them are being read. */
  readonly loading: number;
  take(item: WorkItem): void;
  /** Extends the lease of everything in hand. */
  keepLeases(): void;
}

export type ActiveStreamsOptions = {
  log: EventLog;
  logger: Logger;
  createRun: (state: StreamState) => StreamRun;
  /** A stream left the hands. */
  onRunEnd: () => void;
  /** An item was left alone, since its stream must wait or somebody else is at it. It comes again after its lease. */
  onLeftUnacked?: (item: WorkItem) => void;
};

/** `looks` never reject. `run` and `hasFailed` say what is to be done with an item that arrives meanwhile. */
type ActiveStream = { items: WorkItem[]; run: StreamRun | undefined; looks: Promise<RunResult>[]; hasFailed: boolean };

export function createActiveStreams({
  log,
  logger,
  createRun,
  onRunEnd: onRest,
  onLeftUnacked: onLeft = () => {},
}: ActiveStreamsOptions): ActiveStreams {
  const hands = new PassingMap<string, ActiveStream>();
  let opening = 0;

  async function work(item: WorkItem, key: string): Promise<void> {
    const active: ActiveStream = { items: [item], run: undefined, looks: [], hasFailed: false };
    hands.set(key, active);
    let result: RunResult = 'left-unacked';
    try {
      const state = await open(item);
      // Without a state the request was archived, and only settled streams are.
      result = state === undefined ? 'settled' : await startRun(active, createRun(state));
    } catch (error) {
      giveUp(active, error);
    }
    while (active.looks.length > 0) result = combineResults([result, ...(await Promise.all(active.looks.splice(0)))]);
    settle(active, result);
    hands.delete(key);
    onRest();
  }

  function startRun(hand: ActiveStream, run: StreamRun): Promise<RunResult> {
    hand.run = run;
    const advancing = run.advance();
    // Items that arrived during the read may carry a newer version than the read returned.
    for (let index = 1; index < hand.items.length; index++) hand.looks.push(recheck(hand, run, hand.items[index] as WorkItem));
    return advancing;
  }

  async function open({ state, name, message, request, isFirstDelivery }: WorkItem): Promise<StreamState | undefined> {
    if (state !== undefined) return state;
    if (isFirstDelivery && message !== undefined) return initialState(message);
    opening++;
    try {
      return await loadStream(log, name, message ?? request);
    } finally {
      opening--;
    }
  }

  /** Never rejects: nothing awaits a look before the looks that started earlier have ended. */
  async function recheck(hand: ActiveStream, run: StreamRun, { state }: WorkItem): Promise<RunResult> {
    try {
      await run.refresh?.(state);
      return await run.advance();
    } catch (error) {
      giveUp(hand, error);
      return 'left-unacked';
    }
  }

  /** The log did not answer, or refused. The items stay unacknowledged and come again after their lease; the log is read first then. */
  function giveUp(hand: ActiveStream, error: unknown): void {
    if (hand.hasFailed) return;
    hand.hasFailed = true;
    const { name } = hand.items[0] as WorkItem;
    const facts = { function: name.function, stream: name.stream, error: messageOf(error) };
    logger[levelOf(error)](facts, 'the work on a stream was given up for now');
  }

  function settle({ items }: ActiveStream, result: RunResult): void {
    if (result === 'settled') for (const item of items) item.ack();
    else if (result === 'not-started') for (const item of items) item.release();
    else for (const item of items) onLeft(item);
  }

  return {
    get size() {
      return hands.size;
    },
    get loading() {
      return opening;
    },
    take(item) {
      const key = streamKey(item.name);
      const hand = hands.get(key);
      if (hand === undefined) return void work(item, key);
      // It came again, or a hint came for another invocation of the same stream.
      hand.items.push(item);
      if (hand.run !== undefined && !hand.hasFailed) hand.looks.push(recheck(hand, hand.run, item));
    },
    keepLeases() {
      for (const [, { items }] of hands) for (const item of items) item.working();
    },
  };
}
