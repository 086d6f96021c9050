import { randomBytes } from 'node:crypto';
import type { MsgHdrs } from 'nats';
import { withHeaderLines } from '#src/nats/wire/wire-headers.ts';
import type { Connection } from './connection/connection.ts';
import type { PublishAnswer, Publisher } from './publisher.ts';

/** A batch has four fsyncs and some milliseconds of the server's processor time, so that fewer messages are faster alone. */
const LEAST_IN_BATCH = 24;
const MOST_IN_BATCH = 512;
/** A larger message is published alone. The server stores the messages of a batch twice. */
const MAX_SHARED_BYTES = 16_384;

type Message = { subject: string; payload: Uint8Array; headers: MsgHdrs; resolve: (answer: PublishAnswer) => void };

export type SharedCommits = Pick<Publisher, 'publish'>;
type Wire = Pick<Connection, 'isConnected' | 'nats' | 'onReconnect'>;

/**
 * Publishes to a stream with atomic batches, whose server makes one fsync for each message otherwise. Messages that are ready while others are
 * stored are one batch, in which each keeps its subject and what it expects (E3). docs/servers.md has the measured reason.
 *
 * 1. At most {@link LEAST_IN_BATCH} messages are in flight alone, and one batch of at most {@link MOST_IN_BATCH}. The other ones wait, so at most
 *    as many as the caller has in flight.
 * 2. A batch is stored whole or not at all, and in successive sequences. When one message conflicts, each one is published alone, so that each
 *    has an answer of its own.
 * 3. After every other answer, each message of the batch is `unknown` (A1), because the server stores the messages one after another. A server
 *    that refused a batch gets none until the next reconnection.
 */
export function createSharedCommits(connection: Wire, publisher: Pick<Publisher, 'publish'>): SharedCommits {
  return new BatchedPublisher(connection, publisher);
}

/** A class, so that a message needs one object and one closure (docs/performance.md V6). */
class BatchedPublisher implements SharedCommits {
  readonly #connection: Wire;
  readonly #publisher: Pick<Publisher, 'publish'>;
  /** Each stored message keeps the id of its batch, so that the id is short. */
  readonly #id = randomBytes(6).toString('base64url');
  #batches = 0;
  #waiting: Message[] = [];
  #alone = 0;
  #isStoring = false;
  #isScheduled = false;
  #isRefused = false;

  constructor(connection: Wire, publisher: Pick<Publisher, 'publish'>) {
    this.#connection = connection;
    this.#publisher = publisher;
    connection.onReconnect(() => {
      this.#isRefused = false;
    });
  }

  publish(subject: string, payload: string | Uint8Array, headers?: MsgHdrs): Promise<PublishAnswer> {
    if (headers === undefined || typeof payload === 'string' || payload.length > MAX_SHARED_BYTES)
      return this.#publisher.publish(subject, payload, headers);
    return new Promise((resolve) => {
      this.#waiting.push({ subject, payload, headers, resolve });
      this.#schedule();
    });
  }

  /** The messages of one turn of the event loop are decided together. */
  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#send();
    });
  }

  #send(): void {
    const canShare = !this.#isRefused && this.#waiting.length >= LEAST_IN_BATCH;
    if (canShare && !this.#isStoring) void this.#storeTogether(this.#waiting.splice(0, MOST_IN_BATCH));
    else if (!canShare) for (const message of this.#waiting.splice(0, this.#roomAlone())) this.#storeAlone(message);
  }

  #roomAlone(): number {
    return this.#isRefused ? this.#waiting.length : Math.max(0, LEAST_IN_BATCH - this.#alone);
  }

  #storeAlone({ subject, payload, headers, resolve }: Message): void {
    this.#alone++;
    void this.#publisher.publish(subject, payload, headers).then((answer) => {
      this.#alone--;
      resolve(answer);
      if (this.#waiting.length > 0) this.#schedule();
    });
  }

  async #storeTogether(messages: readonly Message[]): Promise<void> {
    this.#isStoring = true;
    const answer = await this.#publishBatch(messages);
    this.#isStoring = false;
    if (answer.kind === 'conflict') for (const message of messages) this.#storeAlone(message);
    else
      for (const [index, { resolve }] of messages.entries()) resolve(this.#answerOf(answer, messages.length - 1 - index, messages.length));
    if (this.#waiting.length > 0) this.#schedule();
  }

  /** The answer to one message of a batch. `before`: the number of messages after it in the batch. */
  #answerOf(answer: Exclude<PublishAnswer, { kind: 'conflict' }>, before: number, size: number): PublishAnswer {
    if (answer.kind === 'stored') {
      if (answer.count === size) return { kind: 'stored', sequence: answer.sequence - before };
      return { kind: 'unknown', why: 'the server answered for another number of messages' };
    }
    if (answer.kind === 'unknown') return answer;
    this.#isRefused = true;
    return { kind: 'unknown', why: `the server refused a batch: ${answer.why}` };
  }

  #publishBatch(messages: readonly Message[]): Promise<PublishAnswer> {
    // The client would keep the messages for the next connection, on which they are no whole batch.
    if (!this.#connection.isConnected) return Promise.resolve({ kind: 'unknown', why: 'not connected' });
    const id = `${this.#id}${(this.#batches++).toString(36)}`;
    const headersOf = ({ headers }: Message, index: number): MsgHdrs =>
      withHeaderLines(headers, `Nats-Batch-Id: ${id}\r\nNats-Batch-Sequence: ${index + 1}\r\n`);
    const last = messages.at(-1) as Message;
    try {
      messages.slice(0, -1).forEach((message, index) => {
        this.#connection.nats.publish(message.subject, message.payload, { headers: headersOf(message, index) });
      });
    } catch (error) {
      // Without its last message, the server drops the batch.
      return Promise.resolve({ kind: 'unknown', why: String(error) });
    }
    const headers = withHeaderLines(headersOf(last, messages.length - 1), 'Nats-Batch-Commit: 1\r\n');
    return this.#publisher.publish(last.subject, last.payload, headers);
  }
}
