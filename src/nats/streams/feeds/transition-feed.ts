import { setTimeout as sleep } from 'node:timers/promises';
import type { Msg } from 'nats';
import type { FullLogEntry } from '#src/core/log/event-log.ts';
import type { Connection } from '#src/nats/transport/connection/connection.ts';
import { addEphemeralConsumer, findConsumer } from '#src/nats/transport/streams/consumers.ts';
import { Pull } from '#src/nats/transport/streams/pull.ts';
import { openOnOneStream, watchIdentity } from '#src/nats/transport/streams/watch-identity.ts';
import { type AckSubject, parseAckSubject } from '#src/nats/wire/ack-subject.ts';
import { fullEntryOf } from '#src/nats/wire/full-entry.ts';
import { INVOCATIONS } from '#src/nats/wire/topology.ts';
import { headersOf } from '#src/nats/wire/wire-headers.ts';
import { type CursorOptions, cursorConsumer, openCursor } from './cursors.ts';
import { sequenceOf } from './start-position.ts';

/** A message of the log that a feed delivered. Its methods have an effect only for a durable feed, which redelivers unacknowledged items. */
export type FeedItem = {
  entry: FullLogEntry;
  ack(): void;
  /** Extends the time for the acknowledgement. */
  working(): void;
  /** Asks for an immediate redelivery to any subscriber of the cursor. */
  release(): void;
};

/** `from` has no effect for a cursor that exists. Without `durable`, the feed keeps no position and needs no acknowledgements. */
export type FeedOptions = Omit<CursorOptions, 'durable'> & {
  /** The name of the cursor. Several feeds with one name share its messages. */
  durable?: string | undefined;
  /** How many messages may be requested and not yet delivered, at this moment. */
  demand: () => number;
  signal: AbortSignal;
  onItem: (item: FeedItem) => void;
};

export type Feed = {
  /** Requests more messages if `demand()` has risen. */
  poke(): void;
  /** Resolves when the signal has aborted and no further message will be delivered. */
  done: Promise<void>;
};

/**
 * Opens a feed of the log. Resolves when its start position is fixed: every later message is delivered.
 *
 * Throws as {@link openCursor} does.
 */
export async function openFeed(connection: Connection, options: FeedOptions): Promise<Feed> {
  const { durable } = options;
  return durable === undefined ? await openOrderedFeed(connection, options) : await openDurableFeed(connection, { ...options, durable });
}

/** A feed without a cursor. It delivers in order, and replaces its consumer after a gap. */
async function openOrderedFeed(connection: Connection, { from, subject, demand, signal, onItem }: FeedOptions): Promise<Feed> {
  let next = await sequenceOf(connection, from);
  let expected = 1;
  const openConsumer = openOnOneStream(connection, {
    stream: INVOCATIONS,
    async open() {
      expected = 1;
      return (await addEphemeralConsumer(connection.manager, INVOCATIONS, { from: next, subject })).name;
    },
    restart() {
      next = 1;
    },
  });
  const pull = new Pull({
    connection,
    stream: INVOCATIONS,
    demand,
    signal,
    onProblem: () => {},
    openConsumer,
    onMessage(message) {
      const delivered = parseAckSubject(message.reply ?? '');
      // A late message of an earlier consumer.
      if (delivered.sequence < next) return;
      if (delivered.consumerSequence !== expected) return pull.reopen();
      expected++;
      next = delivered.sequence + 1;
      onItem(itemOf({ message, delivered }, () => {}));
    },
  });
  return { poke: () => pull.poke(), done: pull.done };
}

/** A feed with a cursor. After the abort, it waits for the messages that the server has already sent, so that they can be released. */
async function openDurableFeed(connection: Connection, options: FeedOptions & CursorOptions): Promise<Feed> {
  const { durable, signal, demand, onItem } = options;
  await openCursor(connection, options);
  // The newest message of this process. If an operator removes the cursor, a new one starts after this message.
  let last: number | undefined;
  const isRecreated = watchIdentity(connection, INVOCATIONS);
  /** The consumer sequence of the newest message that arrived here. */
  let arrived = 0;
  const ending = new AbortController();
  const left = new Promise<void>((resolve) => {
    const leave = async (): Promise<void> => {
      await arrivalOfSent(connection, cursorConsumer(durable), () => arrived);
      ending.abort();
      resolve();
    };
    if (signal.aborted) void leave();
    else signal.addEventListener('abort', () => void leave(), { once: true });
  });
  const pull = new Pull({
    connection,
    stream: INVOCATIONS,
    demand: () => (signal.aborted ? 0 : demand()),
    signal: ending.signal,
    onProblem: () => {},
    async openConsumer() {
      if (await isRecreated()) last = 0;
      return await openCursor(connection, last === undefined ? options : { ...options, from: last + 1 });
    },
    onMessage(message) {
      const delivered = parseAckSubject(message.reply ?? '');
      arrived = delivered.consumerSequence;
      last = Math.max(last ?? 0, delivered.sequence);
      onItem(
        itemOf({ message, delivered }, (answer) => {
          if (!connection.nats.isClosed()) connection.nats.publish(message.reply ?? '', answer);
        }),
      );
    },
  });
  return { poke: () => pull.poke(), done: left.then(() => pull.done) };
}

type Received = { message: Msg; delivered: AckSubject };

function itemOf({ message, delivered: { sequence, at } }: Received, answer: (text: string) => void): FeedItem {
  const stored = { subject: message.subject, data: message.data, headers: headersOf(message), sequence, at };
  const entry = fullEntryOf(stored);
  return { entry, ack: () => answer('+ACK'), working: () => answer('+WPI'), release: () => answer('-NAK') };
}

const POLL_EVERY_MS = 20;
/** Another subscriber of the cursor may receive the messages that the server sent, so the wait also ends when none arrives. */
const QUIET_IN_MS = 200;

/**
 * Resolves when every message that the server has sent is here, or when no message arrives for {@link QUIET_IN_MS}.
 *
 * A feed that ended earlier could not release these messages. They would be redelivered only after the time for their acknowledgement.
 */
async function arrivalOfSent(connection: Connection, consumer: string, arrived: () => number): Promise<void> {
  let seen = arrived();
  let quietInMs = 0;
  while (quietInMs < QUIET_IN_MS && connection.isConnected) {
    const info = await findConsumer(connection.manager, consumer).catch(() => undefined);
    if (info === undefined || info.delivered.consumer_seq <= arrived()) return;
    await sleep(POLL_EVERY_MS);
    quietInMs += POLL_EVERY_MS;
    if (arrived() <= seen) continue;
    seen = arrived();
    quietInMs = 0;
  }
}
