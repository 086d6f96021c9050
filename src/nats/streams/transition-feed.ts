import { setTimeout as sleep } from 'node:timers/promises';
import { AckPolicy, type ConsumerConfig, type ConsumerInfo, DeliverPolicy, type JetStreamManager, nanos } from 'nats';
import { InvalidInputError, WrongStateError } from '#src/core/errors.ts';
import type { FullLogEntry } from '#src/core/log/event-log.ts';
import type { Connection } from '#src/nats/transport/connection.ts';
import { addEphemeralConsumer, deleteConsumer, findConsumer } from '#src/nats/transport/consumers.ts';
import { parseDelivery, startPull } from '#src/nats/transport/pull.ts';
import { fullEntryOf } from '#src/nats/wire/full-entry.ts';
import { readNextBySubject } from '#src/nats/wire/stored-messages.ts';
import { INVOCATIONS } from '#src/nats/wire/topology.ts';
import { headersOf } from '#src/nats/wire/wire-headers.ts';

/** A message of the log, as a feed hands it over. What is not acknowledged is handed over again: by a durable feed only. */
export type FeedItem = { entry: FullLogEntry; ack(): void; working(): void; release(): void };

export type FeedOptions = {
  /** From now on, from a sequence, or from a time; a cursor that is there goes on where it was. */
  from: 'now' | number | Date;
  /** The name of the cursor that JetStream keeps; several feeds of one name share the messages. */
  durable?: string | undefined;
  /** At most one filter: with several the broker's work multiplies, or messages are left out silently. */
  subject?: string | undefined;
  /** What the cursor follows, in words that are compared: it cannot follow something else later. */
  follows: string;
  ackWaitInMs: number;
  demand: () => number;
  signal: AbortSignal;
  onItem: (item: FeedItem) => void;
};

/** A durable position in the log. */
export type Cursor = {
  name: string;
  follows: string;
  createdAt: number;
  /** When a message was handed out or acknowledged for the last time. */
  movedAt: number;
  /** Up to here everything is acknowledged. */
  acknowledged: number;
  /** Messages behind it that nobody was given yet, and those that somebody holds. */
  waiting: number;
  held: number;
  /** Whether somebody reads. */
  isAttended: boolean;
};

const PREFIX = 'subscriber-';
const FOLLOWS = 'sequent-follows';

/**
 * Opens a feed of the log. Resolves when its place is fixed; what is appended after that is handed over.
 *
 * Throws `InvalidInputError` for a name that is none, and `WrongStateError` when the cursor follows something else.
 */
export async function openFeed(connection: Connection, options: FeedOptions): Promise<{ poke(): void; done: Promise<void> }> {
  const { durable, signal, demand, onItem } = options;
  const { manager } = connection;
  if (durable !== undefined) checkName(durable);
  let next = durable === undefined ? await startOf(connection, manager, options.from) : 0;
  if (durable !== undefined) await openDurable({ connection, manager, durable, options });
  // The last message of a durable feed that this process saw: where it goes on if somebody removes its cursor.
  let last = 0;
  let expected = 1;
  /** How many messages the consumer handed out when the newest one that came here was on its way. */
  let arrived = 0;
  const ending = new AbortController();
  const left = new Promise<void>((resolve) => {
    const leave = async (): Promise<void> => {
      if (durable !== undefined) await arrival({ connection, manager, name: PREFIX + durable, arrived: () => arrived });
      ending.abort();
      resolve();
    };
    if (signal.aborted) void leave();
    else signal.addEventListener('abort', () => void leave(), { once: true });
  });

  const pull = startPull({
    connection,
    stream: INVOCATIONS,
    demand: () => (signal.aborted ? 0 : demand()),
    signal: ending.signal,
    onProblem: () => {},
    async openConsumer() {
      if (durable !== undefined) {
        const from = last === 0 ? options.from : last + 1;
        return await openDurable({ connection, manager, durable, options: { ...options, from } });
      }
      expected = 1;
      const { name } = await addEphemeralConsumer(manager, INVOCATIONS, { from: next, subject: options.subject });
      return name;
    },
    onMessage(message) {
      const { sequence, consumerSequence, at } = parseDelivery(message.reply ?? '');
      arrived = consumerSequence;
      if (durable === undefined) {
        // A message of an earlier consumer, or one behind a gap: this consumer is not to be trusted further.
        if (sequence < next) return;
        if (consumerSequence !== expected) return pull.reopen();
        expected++;
        next = sequence + 1;
      } else last = Math.max(last, sequence);
      const answer = (text: string): void => {
        if (durable !== undefined && !connection.nats.isClosed()) connection.nats.publish(message.reply ?? '', text);
      };
      const entry = fullEntryOf({ subject: message.subject, data: message.data, headers: headersOf(message), sequence, at });
      onItem({ entry, ack: () => answer('+ACK'), working: () => answer('+WPI'), release: () => answer('-NAK') });
    },
  });
  return { poke: pull.poke, done: left.then(() => pull.done) };
}

type Leaving = { connection: Connection; manager: JetStreamManager; name: string; arrived: () => number };

const LOOK_EVERY_MS = 20;
/** Others may share the cursor, and what was handed out may be theirs. */
const QUIET_IN_MS = 200;

/**
 * Resolves when all that the server has sent is here, or nothing came for a while. Whoever leaves before that leaves messages behind
 * which nobody can give back: they come again only when the time for their acknowledgement is over.
 */
async function arrival({ connection, manager, name, arrived }: Leaving): Promise<void> {
  for (let [seen, quiet] = [arrived(), 0]; quiet < QUIET_IN_MS && connection.isConnected; quiet += LOOK_EVERY_MS) {
    const info = await findConsumer(manager, name).catch(() => undefined);
    if (info === undefined || info.delivered.consumer_seq <= arrived()) return;
    await sleep(LOOK_EVERY_MS);
    if (arrived() > seen) [seen, quiet] = [arrived(), 0];
  }
}

type Durable = { connection: Connection; manager: JetStreamManager; durable: string; options: FeedOptions };

async function openDurable({ connection, manager, durable, options }: Durable): Promise<string> {
  const name = PREFIX + durable;
  const present = await findConsumer(manager, name);
  if (present !== undefined) {
    const follows = present.config.metadata?.[FOLLOWS] ?? '';
    if (follows !== options.follows)
      throw new WrongStateError({
        what: `the cursor "${durable}" follows ${follows}, not ${options.follows}; take another name, or remove it`,
      });
    const ackWait = nanos(options.ackWaitInMs);
    if (present.config.ack_wait !== ackWait) await manager.consumers.update(INVOCATIONS, name, { ack_wait: ackWait });
    return name;
  }
  await manager.consumers
    .add(INVOCATIONS, {
      durable_name: name,
      description: 'Sequent: the transitions of a subscriber',
      metadata: { [FOLLOWS]: options.follows },
      ...filterOf(options),
      ack_policy: AckPolicy.Explicit,
      ack_wait: nanos(options.ackWaitInMs),
      max_deliver: -1,
      max_ack_pending: 10_000,
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: await startOf(connection, manager, options.from),
    })
    .catch(async (error: unknown) => {
      // Another subscriber was faster, with another start.
      if ((await findConsumer(manager, name)) === undefined) throw error;
    });
  return name;
}

function filterOf({ subject }: FeedOptions): Partial<ConsumerConfig> {
  return subject === undefined ? {} : { filter_subject: subject };
}

async function startOf(connection: Connection, manager: JetStreamManager, from: FeedOptions['from']): Promise<number> {
  if (typeof from === 'number') return Math.max(1, from);
  if (from === 'now') return (await manager.streams.info(INVOCATIONS)).state.last_seq + 1;
  return await sequenceAt(connection, from.getTime());
}

/** The first sequence of the log at or after a time, by halving: messages are in the order of their times. */
export async function sequenceAt(connection: Connection, at: number): Promise<number> {
  const { first_seq: first, last_seq: last } = (await connection.manager.streams.info(INVOCATIONS)).state;
  let low = Math.max(1, first);
  let high = last + 1;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const message = await readNextBySubject(connection, { from: middle, subject: '>' });
    if (message === undefined || message.sequence >= high) high = middle;
    else if (message.at < at) low = message.sequence + 1;
    else high = middle;
  }
  return low;
}

/** The cursors that subscribers left. */
export async function listCursors({ manager }: Connection): Promise<Cursor[]> {
  const found: Cursor[] = [];
  for await (const info of manager.consumers.list(INVOCATIONS)) if (info.name.startsWith(PREFIX)) found.push(cursorOf(info));
  return found.sort((one, other) => one.name.localeCompare(other.name));
}

/** Removes a cursor; false when there is none of this name. Throws `InvalidInputError`. */
export async function removeCursor({ manager }: Connection, name: string): Promise<boolean> {
  checkName(name);
  if ((await findConsumer(manager, PREFIX + name)) === undefined) return false;
  return await deleteConsumer(manager, PREFIX + name);
}

function cursorOf(info: ConsumerInfo): Cursor {
  const { name, config, created, delivered, ack_floor, num_pending, num_ack_pending, num_waiting } = info;
  const createdAt = Date.parse(String(created));
  // Times, whatever the library says.
  const moves = [delivered, ack_floor].map(({ last_active: at }) => Date.parse(String(at)));
  return {
    name: name.slice(PREFIX.length),
    follows: config.metadata?.[FOLLOWS] ?? '',
    createdAt,
    movedAt: Math.max(createdAt, ...moves.filter((move) => !Number.isNaN(move))),
    acknowledged: ack_floor.stream_seq,
    waiting: num_pending,
    held: num_ack_pending,
    isAttended: num_waiting > 0,
  };
}

function checkName(name: string): void {
  if (/^[A-Za-z0-9_-]{1,64}$/.test(name)) return;
  throw new InvalidInputError({ field: 'the name of the cursor', problem: 'must be 1 to 64 letters, digits, "-" or "_"' });
}
