import type { Msg } from 'nats';
import type { Connection } from '#src/nats/transport/connection/connection.ts';
import { isAtLeast } from '#src/nats/transport/server-version.ts';
import { parseAckSubject, pendingIn } from '#src/nats/wire/ack-subject.ts';

/** The first version whose consumers with several filters keep the block that they read from in memory (nats-server, issue 7014). */
const KEEPS_BLOCKS_SINCE = '2.11.6';
/** Fewer messages are delivered sooner than it is worth to read the block. */
const BACKLOG = 1_000;
const READ_EVERY_MS = 20;

/**
 * Keeps the block of the stream from which a consumer with several filters reads in the memory of the server (docs/performance.md H14).
 *
 * The returned function takes each delivered message. While a server that needs these reads delivers a backlog, the function requests one of
 * the messages fifty times a second. No subscription receives the answers.
 */
export function keepBlocksLoaded({ nats, jetstream, createInbox }: Connection, stream: string): (message: Msg) => void {
  const subject = `${jetstream.apiPrefix}.STREAM.MSG.GET.${stream}`;
  const unsubscribed = createInbox();
  let readAt = Number.NEGATIVE_INFINITY;
  return ({ reply = '' }) => {
    const now = performance.now();
    if (now - readAt < READ_EVERY_MS) return;
    readAt = now;
    if (nats.isClosed() || nats.isDraining() || isAtLeast(nats.info?.version ?? '', KEEPS_BLOCKS_SINCE) || pendingIn(reply) < BACKLOG)
      return;
    nats.publish(subject, JSON.stringify({ seq: parseAckSubject(reply).sequence }), { reply: unsubscribed });
  };
}
