import type { Msg, NatsConnection, Subscription } from 'nats';
import { DEFAULT_INBOX_PREFIX } from '#src/core/names/inboxes.ts';

/*
 * Which messages a process of Sequent answers (ANS1, src/DESIGN.md).
 *
 * The sender of a message chooses the subject for the answer, and the answer is published with the rights of the process that answers. A
 * sender could therefore make a service of Sequent publish to JetStream's API, such as an empty object, which deletes a stream.
 */

/** A subscription of nats.js, with the method that each of its messages passes, for a callback and for an iterator. */
type Passing = Subscription & { callback(error: Error | null, message: Msg): void };

/**
 * Lets nothing on the connection answer to another subject than an inbox: what subscribes to other subjects than the own inboxes gets
 * every other message without its reply subject. So the services of nats.js and a new service of Sequent cannot forget the rule.
 *
 * The own inboxes are left out, because they receive answers, and the messages that JetStream delivers with its own reply subjects.
 */
export function answerOnlyInboxes(nats: NatsConnection, inboxPrefix: string): void {
  const subscribe = nats.subscribe.bind(nats);
  nats.subscribe = (subject, options) => {
    const subscription = subscribe(subject, options) as Passing;
    if (subject.startsWith(`${inboxPrefix}.`)) return subscription;
    const pass = subscription.callback.bind(subscription);
    subscription.callback = (error, message) => pass(error, error === null ? answerable(message, inboxPrefix) : message);
    return subscription;
  };
}

function answerable(message: Msg, inboxPrefix: string): Msg {
  const { reply = '' } = message;
  if (reply === '' || isInbox(reply, inboxPrefix)) return message;
  return Object.create(message, { reply: { value: '' } }) as Msg;
}

/** Another prefix of inboxes than this one is that of a client with a prefix of its own, such as `_INBOX_sequent_operator`. */
const OF_CLIENTS = new RegExp(`^${DEFAULT_INBOX_PREFIX}(?:_[^.]+)?\\.`);
/** The subject by which the server leads an answer back to the account of the client (ACC2). */
const OF_ACCOUNTS = '_R_.';
/** What a server puts before the reply subject of a message from another cluster. */
const OF_CLUSTERS = /^(?:_GR_\.[^.]+\.[^.]+\.)+/;

/** Whether a subject is below a prefix of inboxes: the usual ones, and the one that this process uses. */
export function isInbox(subject: string, ownPrefix: string): boolean {
  const reply = subject.replace(OF_CLUSTERS, '');
  return OF_CLIENTS.test(reply) || reply.startsWith(OF_ACCOUNTS) || reply.startsWith(`${ownPrefix}.`);
}
