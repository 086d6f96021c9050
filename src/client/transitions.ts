import { InvalidInputError } from '#src/core/errors.ts';
import {
  createTransitionTest,
  type LiveTransition,
  parseTransitionFilter,
  type TransitionFilter,
  type TransitionTest,
  transitionsIn,
} from '#src/core/log/transitions.ts';
import { type FeedItem, openFeed } from '#src/nats/streams/transition-feed.ts';
import type { Connection } from '#src/nats/transport/connection.ts';

export type TransitionsOptions = TransitionFilter & {
  /** From now on (the default), from a sequence of the log, or from a time. A durable name that is known goes on where it was. */
  from?: 'now' | number | Date;
  /** The name of a cursor that JetStream keeps. Subscribers of one name share the transitions. */
  durable?: string;
  /** How long after it was handed over a transition must be acknowledged, or it is handed over again; 30 s by default. */
  ackWaitInMs?: number;
};

export type DeliveredTransition = LiveTransition & {
  /** Says that it was dealt with. A durable subscription hands over again what was not; for others it does nothing. */
  ack(): void;
};

/**
 * Transitions in the order of the log. With a durable name at least once, also over restarts: what was handed over and not
 * acknowledged comes again, to whichever subscriber of that name is there, and may come behind what follows it; `sequence` and
 * the fact tell a repetition.
 *
 * Reading ends with the loop, with `close`, or with the client. The first step of the loop throws what opening threw:
 * `InvalidInputError`, and `WrongStateError` when the name follows something else.
 */
export interface Transitions extends AsyncIterable<DeliveredTransition>, AsyncDisposable {
  /** Resolves when its place in the log is fixed. */
  readonly ready: Promise<void>;
  close(): Promise<void>;
}

/** How many messages may be in hand: what a slow reader does not take waits in the log. */
const IN_HAND = 500;

type Waiting = DeliveredTransition & { hand: () => void };

/** The subscriptions of one client. */
export function createSubscriptions(connection: Connection): { open(options: TransitionsOptions): Transitions; close(): Promise<void> } {
  const all = new Set<Transitions>();
  return {
    open(options) {
      const opened = subscribe(connection, options, () => all.delete(opened));
      all.add(opened);
      return opened;
    },
    async close() {
      await Promise.all([...all].map((one) => one.close()));
    },
  };
}

function subscribe(connection: Connection, options: TransitionsOptions, onClose: () => void): Transitions {
  const { durable, from = 'now', ackWaitInMs = 30_000 } = options;
  const ending = new AbortController();
  const waiting: Waiting[] = [];
  /** Messages that are not acknowledged: those that the reader does not have yet are kept ours. */
  const inFlight = new Map<FeedItem, { isHandedOver: boolean }>();
  let wake = (): void => {};
  let feed: Awaited<ReturnType<typeof openFeed>> | undefined;

  const ready = open();
  // Whoever does not wait for it is told by the loop.
  ready.catch(() => {});
  const leases = setInterval(
    () => {
      for (const [item, { isHandedOver }] of inFlight) if (!isHandedOver) item.working();
    },
    Math.max(100, ackWaitInMs / 3),
  );
  leases.unref();

  async function open(): Promise<void> {
    const filter = parseTransitionFilter(options);
    if (ackWaitInMs < 100) throw new InvalidInputError({ field: 'ackWaitInMs', problem: 'must be 100 or more' });
    const isWanted = createTransitionTest(filter);
    feed = await openFeed(connection, {
      from,
      durable,
      subject: subjectOf(filter),
      follows: JSON.stringify(filter),
      ackWaitInMs,
      signal: ending.signal,
      demand: () => IN_HAND - inFlight.size,
      onItem: (item) => take(item, transitionsIn(item.entry).filter(isWanted)),
    });
  }

  function take(item: FeedItem, transitions: readonly LiveTransition[]): void {
    if (transitions.length === 0) return item.ack();
    const held = { isHandedOver: false };
    inFlight.set(item, held);
    // Given back once nothing more comes: before that it would only come here again.
    if (ending.signal.aborted) return;
    const left = new Set(transitions);
    let untaken = transitions.length;
    for (const transition of transitions) {
      waiting.push({
        ...transition,
        ack() {
          left.delete(transition);
          if (left.size === 0 && inFlight.delete(item)) settle(item);
        },
        hand() {
          untaken--;
          if (untaken > 0) return;
          // From here on its reader's time counts.
          held.isHandedOver = true;
          item.working();
          if (durable === undefined && inFlight.delete(item)) feed?.poke();
          // Handed over again by the server when it is not acknowledged in time: then it is no longer ours.
          else if (durable !== undefined) setTimeout(() => inFlight.delete(item) && feed?.poke(), ackWaitInMs).unref();
        },
      });
    }
    wake();
  }

  function settle(item: FeedItem): void {
    item.ack();
    feed?.poke();
  }

  function end(): void {
    ending.abort();
    wake();
  }

  async function close(): Promise<void> {
    end();
    onClose();
    clearInterval(leases);
    await ready.catch(() => {});
    await feed?.done;
    for (const item of inFlight.keys()) item.release();
    inFlight.clear();
    waiting.length = 0;
  }

  async function* read(): AsyncGenerator<DeliveredTransition> {
    try {
      await ready;
      while (!ending.signal.aborted) {
        for (let next = waiting.shift(); next !== undefined && !ending.signal.aborted; next = waiting.shift()) {
          const { hand, ...transition } = next;
          hand();
          yield transition;
        }
        await new Promise<void>((resolve) => {
          wake = resolve;
          if (waiting.length > 0 || ending.signal.aborted) resolve();
        });
      }
    } finally {
      await close();
    }
  }
  return { ready, close, [Symbol.asyncIterator]: read, [Symbol.asyncDispose]: close };
}

/** The one subject that holds all that is wanted; `undefined` when one is not enough. */
function subjectOf({ functions, states }: TransitionTest): string | undefined {
  const name = functions?.length === 1 ? functions[0] : '*';
  if (states === undefined || (states.includes('queued') && states.length > 1)) return undefined;
  return states.includes('queued') ? `invoke.${name}` : `invocation.${name}.*`;
}
