import type { Msg, NatsConnection } from 'nats';
import { SequentError } from '#src/core/errors.ts';
import { decodeKey } from '../wire/bucket-keys.ts';

/** A change that a rehearsed command would have made. */
export type RehearsedChange =
  /** An entry of a bucket. `undefined`: there is none. */
  | { kind: 'entry'; bucket: string; key: string; before: string | undefined; after: string | undefined }
  /** Anything else that the command would have sent. */
  | { kind: 'message'; subject: string; data: Uint8Array };

/** At most this many changes are kept; the others are counted. */
const MAX_CHANGES = 1_000;

/** The changes that a rehearsed command would have made. */
export class Rehearsal {
  readonly changes: RehearsedChange[] = [];
  /** How many further changes were not kept. */
  dropped = 0;
  /** The digests of the packages that the command would have stored. */
  readonly packages = new Set<string>();

  record(change: RehearsedChange): void {
    if (this.changes.length < MAX_CHANGES) this.changes.push(change);
    else this.dropped++;
  }
}

/** A rehearsed command asked a process for a change, and only the process knows the answer. */
export class RehearsalEndedError extends SequentError {
  readonly code = 'REHEARSAL_ENDED';
  readonly retryable = false;
}

type Options = {
  rehearsal: Rehearsal;
  apiPrefix: string;
  read: (bucket: string, key: string) => Promise<string | undefined>;
};

/**
 * Lets a connection read, and notes what it would change (DRY1).
 *
 * 1. Only the requests that are known to read are sent. Every other message is noted and dropped, so a new kind of change cannot escape.
 * 2. JetStream's answer to a dropped message is that it is stored, and to a deletion that it is done.
 * 3. A process that is asked for a change gives no answer, so the command ends there with `RehearsalEndedError`.
 */
export function rehearse(nats: NatsConnection, { rehearsal, apiPrefix, read }: Options): void {
  const [request, publish, requestMany] = [nats.request.bind(nats), nats.publish.bind(nats), nats.requestMany.bind(nats)];
  const reads = new ReadRequests(apiPrefix);

  async function answerOf(subject: string, data: Uint8Array, options: Parameters<NatsConnection['request']>[2]): Promise<Msg> {
    const [, bucket, key] = /^\$KV\.([^.]+)\.(.+)$/.exec(subject) ?? [];
    if (bucket !== undefined && key !== undefined) {
      const isRemoved = (options?.headers?.get('KV-Operation') ?? '') !== '';
      const after = isRemoved ? undefined : Buffer.from(data).toString();
      rehearsal.record({ kind: 'entry', bucket, key: decodeKey(key), before: await read(bucket, key), after });
    } else rehearsal.record({ kind: 'message', subject, data });
    if (subject.startsWith('$')) return answer(subject.startsWith(`${apiPrefix}.`) ? apiAnswer(subject, data) : STORED);
    throw new RehearsalEndedError(`${subject} was not asked`);
  }

  nats.request = async (subject, payload, options) => {
    const data = bytesOf(payload);
    if (!reads.includes(subject, data)) return await answerOf(subject, data, options);
    const reply = await request(subject, payload, options);
    reads.recordReply(subject, reply);
    return reply;
  };
  nats.publish = (subject, payload, options) => {
    const data = bytesOf(payload);
    if (reads.includes(subject, data)) publish(subject, payload, options);
    else rehearsal.record({ kind: 'message', subject, data });
  };
  nats.requestMany = async (subject, payload, options) => {
    const data = bytesOf(payload);
    if (reads.includes(subject, data)) return await requestMany(subject, payload, options);
    rehearsal.record({ kind: 'message', subject, data });
    throw new RehearsalEndedError(`${subject} was not asked`);
  };
}

const apiReads =
  /^(?:INFO|STREAM\.(?:INFO|MSG\.GET)\.[^.]+|STREAM\.(?:NAMES|LIST)|DIRECT\.GET\..+|CONSUMER\.(?:INFO|NAMES|LIST|MSG\.NEXT)\..+)$/;
const roleReads = /^(?:\$SRV\.|scheduler\.find$|destinations\.check$|worker\.[^.]+\.runs$|history\.(?!rebuild\b))/;

/** Tells the requests that read from all others. A consumer that ends with its reader is a part of reading. */
class ReadRequests {
  readonly #apiPrefix: string;
  readonly #consumers = new Set<string>();

  constructor(apiPrefix: string) {
    this.#apiPrefix = apiPrefix;
  }

  includes(subject: string, data: Uint8Array): boolean {
    if (!subject.startsWith(`${this.#apiPrefix}.`))
      return roleReads.test(subject) || (subject === 'destinations.connections' && fieldsOf(data).do === 'list');
    const api = subject.slice(this.#apiPrefix.length + 1);
    if (apiReads.test(api)) return true;
    if (api.startsWith('CONSUMER.DELETE.')) return this.#consumers.has(api.slice('CONSUMER.DELETE.'.length));
    return api.startsWith('CONSUMER.CREATE.') && (fieldsOf(data).config as Fields | undefined)?.durable_name === undefined;
  }

  recordReply(subject: string, reply: Msg): void {
    if (!subject.startsWith(`${this.#apiPrefix}.CONSUMER.CREATE.`)) return;
    const { stream_name: stream, name } = fieldsOf(reply.data);
    this.#consumers.add(`${String(stream)}.${String(name)}`);
  }
}

const STORED = { stream: 'rehearsal', seq: Number.MAX_SAFE_INTEGER };

/** The answer to a change of a stream is the stream as it would be. */
function apiAnswer(subject: string, data: Uint8Array): object {
  if (!/\.STREAM\.(?:CREATE|UPDATE)\./.test(subject)) return { success: true, purged: 0 };
  const state = { messages: 0, bytes: 0, first_seq: 0, last_seq: 0, consumer_count: 0 };
  return { config: fieldsOf(data), created: new Date(0).toISOString(), state };
}

function answer(content: object): Msg {
  const text = JSON.stringify(content);
  const message = { subject: '', sid: 0, data: Buffer.from(text), respond: () => false, string: () => text, json: () => content };
  return message as unknown as Msg;
}

type Fields = Record<string, unknown>;

function fieldsOf(data: Uint8Array): Fields {
  try {
    return Object(JSON.parse(Buffer.from(data).toString())) as Fields;
  } catch {
    return {};
  }
}

function bytesOf(payload: Uint8Array | string | undefined): Uint8Array {
  return typeof payload === 'string' ? Buffer.from(payload) : (payload ?? Buffer.alloc(0));
}
