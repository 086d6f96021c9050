import { headers, type MsgHdrs } from 'nats';
import { messageOf } from '#src/core/errors.ts';
import type { Connection } from '#src/nats/transport/connection/connection.ts';
import type { PublishAnswer, Publisher } from '#src/nats/transport/publisher.ts';
import type { Refusal } from '#src/nats/transport/refusals.ts';

/** The result of publishing to a subject that does not belong to Sequent. */
export type Publication =
  /** A stream stored the message; or no stream has the subject, and a subscriber received the message. */
  { kind: 'stored' } | { kind: 'no-responders' } | { kind: 'refused'; reason: string } | { kind: 'failed'; reason: string };

type Options = { headers: Record<string, string>; signal: AbortSignal };

/**
 * Creates a publisher for any subject. If a stream has the subject, the stream must acknowledge the message. Otherwise a subscriber must
 * exist.
 */
export function createPublications(connection: Connection, publisher: Publisher) {
  async function publish(subject: string, payload: string, { headers: given }: Options): Promise<Publication> {
    const sent = headers();
    for (const [name, value] of Object.entries(given)) sent.set(name, value);
    try {
      if (!(await hasStream(connection, subject))) return await publishToSubscribers(connection, { subject, payload, headers: sent });
      return publicationOf(await publisher.publish(subject, payload, sent));
    } catch (error) {
      return { kind: 'failed', reason: messageOf(connection.refusals.explain(error)) };
    }
  }
  return { publish, isStored: (subject: string) => hasStream(connection, subject) };
}

/** Converts the answer to a publish that expects no version. */
export function publicationOf(answer: PublishAnswer): Publication {
  if (answer.kind === 'stored') return { kind: 'stored' };
  if (answer.kind === 'conflict') return { kind: 'failed', reason: 'the stream expects another sequence' };
  return { kind: answer.kind === 'refused' && answer.isForbidden ? 'refused' : 'failed', reason: answer.why };
}

async function hasStream({ nats, jetstream }: Connection, subject: string): Promise<boolean> {
  const reply = await nats.request(`${jetstream.apiPrefix}.STREAM.NAMES`, JSON.stringify({ subject }), { timeout: 5_000 });
  return ((reply.json() as { streams?: string[] | null }).streams ?? []).length > 0;
}

/**
 * Publishes to a subject without a stream.
 *
 * 1. The server reports a missing subscriber (status 503 on the reply subject) and a missing permission before it answers the next round
 *    trip (R1).
 * 2. If the round trip succeeds without such a report, a subscriber received the message.
 * 3. A refusal of the reply subject fails the publication, because a missing subscriber would then go unnoticed.
 */
async function publishToSubscribers(
  connection: Connection,
  { subject, payload, headers: sent }: { subject: string; payload: string; headers: MsgHdrs },
): Promise<Publication> {
  const { nats, refusals } = connection;
  const reply = connection.createInbox();
  let hasSubscriber = true;
  let refusal: Refusal | undefined;
  // An error without a subject may concern either of the two.
  const endRefusals = refusals.listen((each) => {
    if (each.operation === 'unknown' || each.subject === subject || each.subject === reply) refusal = each;
  });
  const subscription = nats.subscribe(reply, {
    callback: (error, message) => {
      if (error === null && message.headers?.code === 503) hasSubscriber = false;
    },
  });
  try {
    nats.publish(subject, payload, { headers: sent, reply });
    await refusals.settle();
  } finally {
    endRefusals();
    subscription.unsubscribe();
  }
  if (refusal !== undefined) return failedBy(refusal);
  return hasSubscriber ? { kind: 'stored' } : { kind: 'no-responders' };
}

function failedBy({ operation, message: reason }: Refusal): Publication {
  return { kind: operation === 'publish' ? 'refused' : 'failed', reason };
}
