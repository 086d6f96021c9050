import { messageOf } from './errors.ts';
import type { EventLog } from './event-log.ts';
import type { Logger } from './logger.ts';
import { PassingMap } from './passing-map.ts';
import { loadStream, newborn, type StreamState } from './stream.ts';
import type { WorkItem } from './work-queue.ts';

/** What became of an invocation, as far as this process is concerned. */
export type Rest =
  /** It is settled, or waits for a time that the scheduler watches. */
  | 'done'
  /** Another process is at it, or it must wait here. Unacknowledged, it comes again after the lease. */
  | 'elsewhere'
  /** This process stops; nothing was begun. */
  | 'untouched';

/** What became of all of them together. */
export function restOf(rests: readonly Rest[]): Rest {
  if (rests.includes('untouched')) return 'untouched';
  return rests.includes('elsewhere') ? 'elsewhere' : 'done';
}

/** Brings the invocations of one stream forward, as far as the log allows now. */
export interface StreamRun {
  /** Brings every invocation forward that this run is not busy with already. Rejects when the log cannot tell. */
  advance(): Promise<Rest>;
  /** Learns what is new in the stream. Without it, what comes for a stream in hand tells nothing new of it. */
  refresh?(known?: StreamState): Promise<void>;
}

/**
 * The streams that this process has in hand, with the items that brought them.
 *
 * Invariant: an item is acknowledged only when its stream rests and everything about it is durable. A stream is in hand
 * once: what comes for it meanwhile makes the same run look again.
 */
export interface StreamHands {
  readonly size: number;
  /** How many of them are being read. */
  readonly opening: number;
  take(item: WorkItem): void;
  /** Extends the lease of everything in hand. */
  keepLeases(): void;
}

export type StreamHandsOptions = {
  log: EventLog;
  logger: Logger;
  createRun: (state: StreamState) => StreamRun;
  /** A stream left the hands. */
  onRest: () => void;
  /** An item was left alone, since its stream must wait or somebody else is at it. It comes again after its lease. */
  onLeft?: (item: WorkItem) => void;
};

type Hand = { items: WorkItem[]; run: StreamRun | undefined; advances: Promise<Rest>[] };

export function createStreamHands({ log, logger, createRun, onRest, onLeft = () => {} }: StreamHandsOptions): StreamHands {
  const hands = new PassingMap<string, Hand>();
  let opening = 0;

  async function work(item: WorkItem, key: string): Promise<void> {
    const hand: Hand = { items: [item], run: undefined, advances: [] };
    hands.set(key, hand);
    try {
      const state = await open(item);
      // The request is not in the log any more: it was archived, and only finished invocations are.
      if (state === undefined) return settle(hand, 'done');
      hand.run = createRun(state);
      const { run } = hand;
      // What came while the stream was read may know more than what was read.
      hand.advances.push(run.advance(), ...hand.items.slice(1).map((later) => lookAgain(run, later)));
      const rests: Rest[] = [];
      while (hand.advances.length > 0) rests.push(...(await Promise.all(hand.advances.splice(0))));
      settle(hand, restOf(rests));
    } catch (error) {
      // The log cannot tell. Nothing is claimed: the item comes again after the lease, and the log is read first then.
      logger.warn(
        { function: item.name.function, stream: item.name.stream, error: messageOf(error) },
        'the work on a stream was given up for now',
      );
    } finally {
      hands.delete(key);
      onRest();
    }
  }

  async function open({ state, name, message, request, isFirstDelivery }: WorkItem): Promise<StreamState | undefined> {
    if (state !== undefined) return state;
    if (isFirstDelivery && message !== undefined) return newborn(message);
    opening++;
    try {
      return await loadStream(log, name, message ?? request);
    } finally {
      opening--;
    }
  }

  async function lookAgain(run: StreamRun, item: WorkItem): Promise<Rest> {
    await run.refresh?.(item.state);
    return await run.advance();
  }

  function settle({ items }: Hand, rest: Rest): void {
    if (rest === 'done') for (const item of items) item.ack();
    else if (rest === 'untouched') for (const item of items) item.release();
    else for (const item of items) onLeft(item);
  }

  return {
    get size() {
      return hands.size;
    },
    get opening() {
      return opening;
    },
    take(item) {
      const key = `${item.name.function}.${item.name.stream}`;
      const hand = hands.get(key);
      if (hand === undefined) return void work(item, key);
      // It came again, or a hint came for another invocation of the same stream.
      hand.items.push(item);
      if (hand.run !== undefined) hand.advances.push(lookAgain(hand.run, item));
    },
    keepLeases() {
      for (const [, { items }] of hands) for (const item of items) item.working();
    },
  };
}
