import { AckPolicy, type ConsumerConfig, type ConsumerInfo, DeliverPolicy, nanos } from 'nats';
import { InvalidInputError, WrongStateError } from '#src/core/errors.ts';
import type { Connection } from '#src/nats/transport/connection/connection.ts';
import { deleteConsumer, findConsumer, withinAckLimit } from '#src/nats/transport/streams/consumers.ts';
import { INVOCATIONS } from '#src/nats/wire/topology.ts';
import { type StartPosition, sequenceOf } from './start-position.ts';

/** The durable position of a subscriber in the log: a consumer that JetStream keeps. */
export type Cursor = {
  /** The durable name. */
  name: string;
  /** The filter of the subscriber, as text. */
  follows: string;
  /** When the cursor was opened first, in milliseconds since the epoch. */
  createdAt: number;
  /** When a message was last delivered or acknowledged, in milliseconds since the epoch. */
  movedAt: number;
  /** The sequence up to which every message is acknowledged. */
  acknowledged: number;
  /** Messages that were not delivered yet. */
  waiting: number;
  /** Messages that were delivered and are not acknowledged. */
  held: number;
  /** Whether a subscriber is pulling. */
  isAttended: boolean;
};

export type CursorOptions = {
  /** The name of the cursor, without the consumer's prefix. */
  durable: string;
  /** Where a new cursor starts. */
  from: StartPosition;
  /** A server-side filter. Only one, because several filters multiply the server's work, or silently skip messages. */
  subject?: string | undefined;
  /** The filter of the subscriber, as text. It must be the same each time that the cursor is opened. */
  follows: string;
  ackWaitInMs: number;
};

const PREFIX = 'subscriber-';
const FOLLOWS = 'sequent-follows';

/** Returns the name of the consumer behind a cursor. Throws `InvalidInputError` for an invalid name. */
export function cursorConsumer(durable: string): string {
  if (/^[A-Za-z0-9_-]{1,64}$/.test(durable)) return PREFIX + durable;
  throw new InvalidInputError({ field: 'the name of the cursor', problem: 'must be 1 to 64 letters, digits, "-" or "_"' });
}

/**
 * Opens a cursor, creates it if it is missing, and returns the name of its consumer.
 *
 * Throws `InvalidInputError` for an invalid name, and `WrongStateError` when the cursor follows something else.
 */
export async function openCursor(connection: Connection, options: CursorOptions): Promise<string> {
  const { manager } = connection;
  const name = cursorConsumer(options.durable);
  const existing = await findConsumer(manager, name);
  if (existing !== undefined) {
    await adopt(manager, existing, options);
    return name;
  }
  const config = await configOf(connection, name, options);
  await withinAckLimit(MAX_ACK_PENDING, (limit) => manager.consumers.add(INVOCATIONS, { ...config, ...limit })).catch(
    async (error: unknown) => {
      // Another subscriber may have created the consumer first, with another start or filter.
      const created = await findConsumer(manager, name);
      if (created === undefined) throw error;
      await adopt(manager, created, options);
    },
  );
  return name;
}

/** Uses the consumer of a cursor that exists. Throws `WrongStateError` when the cursor follows something else. */
async function adopt(manager: Connection['manager'], existing: ConsumerInfo, options: CursorOptions): Promise<void> {
  checkFollows(existing, options);
  const ackWait = nanos(options.ackWaitInMs);
  if (existing.config.ack_wait === ackWait) return;
  await manager.consumers.update(INVOCATIONS, cursorConsumer(options.durable), { ack_wait: ackWait });
}

const MAX_ACK_PENDING = 10_000;

function checkFollows({ config }: ConsumerInfo, { durable, follows }: CursorOptions): void {
  const present = config.metadata?.[FOLLOWS] ?? '';
  if (present === follows) return;
  throw new WrongStateError({ what: `the cursor "${durable}" follows ${present}, not ${follows}; use another name, or remove the cursor` });
}

async function configOf(connection: Connection, name: string, options: CursorOptions): Promise<Partial<ConsumerConfig>> {
  const { subject, follows, ackWaitInMs, from } = options;
  return {
    durable_name: name,
    description: 'Sequent: the transitions of a subscriber',
    metadata: { [FOLLOWS]: follows },
    ...(subject === undefined ? {} : { filter_subject: subject }),
    ack_policy: AckPolicy.Explicit,
    ack_wait: nanos(ackWaitInMs),
    max_deliver: -1,
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: await sequenceOf(connection, from),
  };
}

/** Returns all cursors in the order of their names, including cursors without a subscriber. */
export async function listCursors({ manager }: Connection): Promise<Cursor[]> {
  const found: Cursor[] = [];
  for await (const info of manager.consumers.list(INVOCATIONS)) if (info.name.startsWith(PREFIX)) found.push(cursorOf(info));
  return found.sort((one, other) => one.name.localeCompare(other.name));
}

/** Removes a cursor. Returns false when no cursor has this name. Throws `InvalidInputError` for an invalid name. */
export async function removeCursor({ manager }: Connection, durable: string): Promise<boolean> {
  const name = cursorConsumer(durable);
  if ((await findConsumer(manager, name)) === undefined) return false;
  return await deleteConsumer(manager, name);
}

function cursorOf(info: ConsumerInfo): Cursor {
  const { name, config, created, delivered, ack_floor, num_pending, num_ack_pending, num_waiting } = info;
  const createdAt = Date.parse(String(created));
  // nats.js declares `last_active` as nanoseconds, but the server sends a date as text.
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
