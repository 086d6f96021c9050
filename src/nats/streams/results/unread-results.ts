import type { Connection } from '#src/nats/transport/connection/connection.ts';
import { addEphemeralConsumer } from '#src/nats/transport/streams/consumers.ts';
import { RESULTS } from '#src/nats/wire/topology.ts';

/** Results that the server counts and does not deliver. `from`: the first sequence that it did not deliver, which may be of a deleted result. */
type UnreadResults = { from: number; count: number };

type Gap = { from: number; to: number };

/** Further gaps change only the count of the finding. */
const MAX_GAPS = 1_000_000;
const PAGE_MESSAGES = 1_000;
const DELIVERED_WITHIN_MS = 3_000;

/**
 * Compares the results that the server delivers with those that it counts, because a disk may have damaged some of them. Reads headers only.
 *
 * `undefined` when the server delivers all. A result that was erased or grew too old is not counted. Results with several replicas are not
 * compared: a replica that is behind delivers fewer, too. A second read confirms what the first one found, because a busy server may be silent.
 */
export async function findUnreadResults(connection: Connection): Promise<UnreadResults | undefined> {
  return (await compareOnce(connection)) && (await compareOnce(connection));
}

async function compareOnce(connection: Connection): Promise<UnreadResults | undefined> {
  const { manager } = connection;
  const { config, state: before } = await manager.streams.info(RESULTS);
  if (config.num_replicas > 1 || before.messages === 0) return undefined;
  const gaps = await readGaps(connection, { from: before.first_seq, to: before.last_seq });
  const { state: after } = await manager.streams.info(RESULTS);
  const present = gaps.map(({ from, to }) => ({ from: Math.max(from, after.first_seq), to })).filter(({ from, to }) => from <= to);
  const missing = present.reduce((sum, { from, to }) => sum + to - from + 1, 0);
  const count = missing - (after.num_deleted ?? 0);
  const [first] = present;
  return count > 0 && first !== undefined ? { from: first.from, count } : undefined;
}

/** The runs of sequences that a new consumer does not deliver. Needs the permission to create a consumer and to pull from it, and no other one. */
async function readGaps({ manager, jetstream }: Connection, { from, to }: Gap): Promise<Gap[]> {
  const gaps: Gap[] = [];
  let next = from;
  const take = (sequence: number): void => {
    if (sequence > next && gaps.length < MAX_GAPS) gaps.push({ from: next, to: sequence - 1 });
    next = Math.max(next, sequence + 1);
  };
  const created = await addEphemeralConsumer(manager, RESULTS, { from, headersOnly: true });
  const consumer = jetstream.consumers.getPullConsumerFor(created);
  for (let { num_pending: pending } = created, before = 0; pending > 0 && next <= to && next > before; ) {
    before = next;
    for await (const { seq, info } of await consumer.fetch({
      max_messages: Math.min(PAGE_MESSAGES, pending),
      expires: DELIVERED_WITHIN_MS,
    })) {
      pending = info.pending;
      if (seq <= to) take(seq);
    }
  }
  take(to + 1);
  return gaps;
}
