import { connect, headers, type JetStreamManager, type NatsConnection } from 'nats';
import { SEQUENT_SUBJECTS } from '#src/core/names/subjects.ts';
import type { NatsOptions } from '#src/nats/transport/connection/connection.ts';

/** What a publisher of `invoke.*` sends to another one than its own inbox: `reply` is where the server would send its acknowledgement. */
export type ReplyAttack = { reply: string; payload: string; traceDest?: string };

/** Operations of JetStream's API that change a stream. The server reads the acknowledgement as their request. */
const operations = ['STREAM.PURGE', 'STREAM.DELETE', 'STREAM.UPDATE', 'STREAM.MSG.DELETE', 'CONSUMER.CREATE', 'STREAM.CREATE'];
/** Subjects of buckets, which keep functions, keys and the audit log. */
const stored = ['$KV.SEQUENT_FUNCTIONS.hello', '$KV.SEQUENT_STATE.hints.key', '$KV.SEQUENT_STATE.data-key.default', '$O.SEQUENT_CODE.M.x'];

/** Every change that an acknowledgement can make: of each stream, of each bucket, and on each subject of Sequent. */
export function replyAttacks(streams: readonly string[], apis: readonly string[] = ['$JS.API']): ReplyAttack[] {
  const ofApi = apis.flatMap((api) => operations.flatMap((operation) => streams.map((stream) => `${api}.${operation}.${stream}`)));
  // Literal subjects that the streams and the services of Sequent hear.
  const own = Object.values(SEQUENT_SUBJECTS).map((pattern) => pattern.replaceAll(/[*>]/g, 'stranger'));
  const replies = [...ofApi, ...stored, ...own, '$SRV.PING', '$SYS.REQ.USER.INFO'];
  return replies.flatMap((reply) => [
    { reply, payload: '{}' },
    // A trace of a message is published to a subject of the publisher's choice, from nats-server 2.11 on.
    { reply: '', payload: '{}', traceDest: reply },
  ]);
}

/** Publishes a request on a subject with each of the attacks. Resolves when the server has processed them. */
export async function attack(nats: NatsConnection, subject: string, attacks: readonly ReplyAttack[]): Promise<void> {
  for (const { reply, payload, traceDest } of attacks) {
    const sent = headers();
    if (traceDest !== undefined) sent.set('Nats-Trace-Dest', traceDest);
    nats.publish(subject, payload, { headers: sent, ...(reply === '' ? {} : { reply }) });
  }
  await nats.flush();
  // The acknowledgement of a later request follows the ones of the earlier requests.
  await nats.request(subject, '{}', { timeout: 10_000 });
}

/** A connection that has nothing of Sequent: a plain client. */
export function connectStranger({ domain: _, role: __, ...options }: NatsOptions): Promise<NatsConnection> {
  return connect(options);
}

/** What the streams hold, except for requests on one subject: the number of messages and of consumers on each subject. */
export async function contentOf({ streams }: JetStreamManager, subject: string): Promise<Record<string, unknown>> {
  const content: Record<string, unknown> = {};
  for await (const { config, state } of streams.list()) {
    const { subjects = {} } = (await streams.info(config.name, { subjects_filter: '>' })).state;
    const { [subject]: _, ...others } = subjects;
    content[config.name] = { subjects: others, created: config.subjects, firstSequence: state.first_seq, consumers: state.consumer_count };
  }
  return content;
}
