import { createInbox, headers, type MsgHdrs } from 'nats';
import { messageOf } from '#src/core/errors.ts';
import type { Connection } from '#src/nats/transport/connection.ts';
import type { PublishAnswer, Publisher } from '#src/nats/transport/publisher.ts';
import type { Refusal } from '#src/nats/transport/refusals.ts';

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
      return publicationOf(await publisher.publish(subject, payload, found));
    } catch (error) {
      return { kind: 'failed', reason: messageOf(connection.refusals.explain(error)) };
    }
  }
  return { publish };
}

/** What an answer of JetStream means for a message that expects no version. */
export function publicationOf(answer: PublishAnswer): Publication {
  if (answer.kind === 'stored') return { kind: 'stored' };
  if (answer.kind === 'conflict') return { kind: 'failed', reason: 'the stream expects another sequence' };
  return { kind: answer.kind === 'refused' && answer.isForbidden ? 'refused' : 'failed', reason: answer.why };
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
