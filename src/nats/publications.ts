import { createInbox, DiscardPolicy, headers, type MsgHdrs, RetentionPolicy, StorageType } from 'nats';
import type { Connection } from './connection.ts';
import type { Publisher } from './publisher.ts';
import type { Refusal } from './refusals.ts';
import { DIS_RECORDS } from './topology.ts';

/** What became of a message for somebody else's subject. */
export type Publication =
  /** A stream stored it, or the subscribers of a subject without a stream got it. */
  { kind: 'stored' } | { kind: 'no-responders' } | { kind: 'refused'; reason: string } | { kind: 'failed'; reason: string };

type Options = { headers: Record<string, string>; signal: AbortSignal };

/** Publishes to any subject. Where a stream keeps it, its acknowledgement counts; elsewhere that somebody listens. */
export function createPublications(connection: Connection, publisher: Publisher) {
  async function publish(subject: string, payload: string, { headers: given }: Options): Promise<Publication> {
    const found = headers();
    for (const [name, value] of Object.entries(given)) found.set(name, value);
    try {
      if (!(await isStored(connection, subject))) return await handOver(connection, subject, payload, found);
      const answer = await publisher.publish(subject, payload, found);
      if (answer.kind === 'stored') return { kind: 'stored' };
      if (answer.kind === 'refused' && answer.isForbidden) return { kind: 'refused', reason: answer.why };
      return { kind: 'failed', reason: answer.kind === 'conflict' ? 'the stream expects another sequence' : answer.why };
    } catch (error) {
      return { kind: 'failed', reason: connection.refusals.reasonOf(error) };
    }
  }
  return { publish };
}

/** The streams of DIS, as one JetStream stream with a subject for each. */
export function createDisStreams(connection: Connection, publisher: Publisher) {
  const isThere = ensureDisStream(connection);
  return {
    async publishRecord(record: {
      stream: string;
      partitionKey: string;
      data: string;
      timestamp: number;
      deliveryId: string;
    }): Promise<Publication> {
      try {
        await isThere;
        const found = headers();
        found.set('Nats-Msg-Id', record.deliveryId);
        const { partitionKey: partition_key, data, timestamp } = record;
        const answer = await publisher.publish(`dis.${record.stream}`, JSON.stringify({ partition_key, data, timestamp }), found);
        return answer.kind === 'stored'
          ? { kind: 'stored' }
          : { kind: 'failed', reason: answer.kind === 'conflict' ? 'conflict' : answer.why };
      } catch (error) {
        return { kind: 'failed', reason: String(error) };
      }
    },
  };
}

async function ensureDisStream({ manager }: Connection): Promise<void> {
  await manager.streams.add({
    name: DIS_RECORDS,
    description: 'Sequent: the records that outcomes were pushed as',
    subjects: ['dis.*'],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    discard: DiscardPolicy.Old,
    max_age: 7 * 86_400 * 1e9,
  });
}

async function isStored({ nats }: Connection, subject: string): Promise<boolean> {
  const reply = await nats.request('$JS.API.STREAM.NAMES', JSON.stringify({ subject }), { timeout: 5_000 });
  return ((reply.json() as { streams?: string[] | null }).streams ?? []).length > 0;
}

/**
 * Publishes where no stream answers. The server reports a missing subscriber and a missing permission before it answers the round
 * trip behind the publish, so a publish that was followed by neither has reached a subscriber.
 */
async function handOver(connection: Connection, subject: string, payload: string, found: MsgHdrs): Promise<Publication> {
  const { nats, refusals } = connection;
  const reply = createInbox();
  let isHeard = true;
  let refusal: Refusal | undefined;
  // Without the inbox nothing says that nobody listens; and an error without a subject may be about either.
  const endRefusals = refusals.listen((each) => {
    if (each.operation === 'unknown' || each.subject === subject || each.subject === reply) refusal = each;
  });
  const subscription = nats.subscribe(reply, {
    callback: (error, message) => {
      if (error === null && message.headers?.code === 503) isHeard = false;
    },
  });
  try {
    nats.publish(subject, payload, { headers: found, reply });
    await refusals.settle();
  } finally {
    endRefusals();
    subscription.unsubscribe();
  }
  if (refusal !== undefined) return refusal.operation === 'publish' ? refusedBy(refusal) : { kind: 'failed', reason: refusal.message };
  return isHeard ? { kind: 'stored' } : { kind: 'no-responders' };
}

const refusedBy = ({ message: reason }: Refusal): Publication => ({ kind: 'refused', reason });
