import type { Msg, MsgHdrs } from 'nats';
import { messageOf } from '#src/core/errors.ts';
import { parseJson } from '#src/core/json/json.ts';
import { PassingMap } from '#src/core/stream/passing-map.ts';
import type { Connection } from './connection/connection.ts';
import { type ApiError, isPayloadTooLarge, isStorageExhausted, isUndecided, isWrongLastSequence } from './errors.ts';
import { watchRefusedPublishes } from './refused-publishes.ts';
import type { Rehearsal } from './rehearsal.ts';

/** The result of a publish. A publish without an answer is `unknown`, never guessed (A1). */
export type PublishAnswer =
  /** `count`: how many messages an atomic batch had, whose last one has the sequence. */
  | { kind: 'stored'; sequence: number; isDuplicate?: true; count?: number }
  /** The stream is not at the expected version. */
  | { kind: 'conflict' }
  /**
   * The server refused and did not store the message. `isFull`: storage or a limit is exhausted. `isForbidden`: the user of the connection
   * may not publish to the subject.
   */
  | { kind: 'refused'; why: string; isFull: boolean; isForbidden?: true }
  /** `isUnheard`: no stream has the subject at present. `isUnanswered`: the connected server did not answer in time. */
  | { kind: 'unknown'; why: string; isUnheard?: true; isUnanswered?: true };

/** Publishes to JetStream with many publishes in flight. */
export interface Publisher {
  /** Never rejects. */
  publish(subject: string, payload: string | Uint8Array, headers?: MsgHdrs): Promise<PublishAnswer>;
  close(): void;
}

type Pending = { resolve: (answer: PublishAnswer) => void; subject: string; sentAt: number };

/**
 * Creates a publisher with one long-lived acknowledgement inbox (docs/performance.md H2).
 *
 * Every publish in flight becomes `unknown` when the connection is lost, or when no answer arrives within `timeoutInMs`.
 */
export function createPublisher(connection: Connection, { timeoutInMs = 5_000 } = {}): Publisher {
  const { nats, rehearsal } = connection;
  if (rehearsal !== undefined) return createRehearsedPublisher(rehearsal);
  const inbox = connection.createInbox();
  const pending = new PassingMap<number, Pending>();
  let nextKey = 0;

  const subscription = nats.subscribe(`${inbox}.*`, {
    callback: (error, message) => {
      // The server refused the inbox: publishes in flight get no answer, and become unknown after the timeout.
      if (error !== null) return;
      pending.delete(Number(message.subject.slice(inbox.length + 1)))?.resolve(parseAnswer(message));
    },
  });
  const endRefusals = watchRefusedPublishes(connection.refusals, {
    pending,
    nextKey: () => nextKey,
    refuse(key, why) {
      pending.delete(key)?.resolve({ kind: 'refused', why, isFull: false, isForbidden: true });
    },
  });
  const endDisconnect = connection.onDisconnect(() =>
    giveUp(Number.POSITIVE_INFINITY, { kind: 'unknown', why: 'the connection was lost' }),
  );
  const unanswered: PublishAnswer = { kind: 'unknown', why: `no answer within ${timeoutInMs} ms`, isUnanswered: true };
  const sweep = setInterval(() => giveUp(performance.now() - timeoutInMs, unanswered), 250);
  sweep.unref();

  function giveUp(sentBefore: number, answer: PublishAnswer): void {
    for (const [key, entry] of pending) {
      // The map is in the order of sending, so all further entries are younger.
      if (entry.sentAt >= sentBefore) return;
      pending.delete(key);
      entry.resolve(answer);
    }
  }

  return {
    publish(subject, payload, headers) {
      // Without a connection, the client would buffer the message, and may drop it later.
      if (!connection.isConnected) return Promise.resolve({ kind: 'unknown', why: 'not connected' });
      return new Promise((resolve) => {
        const key = nextKey++;
        const reply = `${inbox}.${key}`;
        // The client's own encoder is slower than Buffer.
        const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload;
        try {
          nats.publish(subject, bytes, headers === undefined ? { reply } : { reply, headers });
          pending.set(key, { resolve, subject, sentAt: performance.now() });
        } catch (error) {
          resolve(answerOf(error));
        }
      });
    },
    close() {
      clearInterval(sweep);
      endDisconnect();
      endRefusals();
      giveUp(Number.POSITIVE_INFINITY, { kind: 'unknown', why: 'the publisher was closed' });
      subscription.unsubscribe();
    },
  };
}

/** Notes every message, and answers that it is stored (DRY1). */
function createRehearsedPublisher(rehearsal: Rehearsal): Publisher {
  let sequence = Number.MAX_SAFE_INTEGER - 1_000_000;
  return {
    async publish(subject, payload) {
      rehearsal.record({ kind: 'message', subject, data: Buffer.from(payload) });
      return { kind: 'stored', sequence: sequence++ };
    },
    close() {},
  };
}

/** The answer to a publish that the client refused to send. */
function answerOf(error: unknown): PublishAnswer {
  return isPayloadTooLarge(error) ? { kind: 'refused', why: messageOf(error), isFull: false } : { kind: 'unknown', why: String(error) };
}

type PubAck = { seq?: number; duplicate?: boolean; count?: number; error?: ApiError };

/** The form of nearly every answer. Only other answers are parsed as JSON (docs/performance.md H2). */
const plainAck = /^\{"stream":"[^"\\]*", ?"seq":([1-9][0-9]{0,14})\}$/;

function parseAnswer({ data }: Msg): PublishAnswer {
  if (data.length === 0) return { kind: 'unknown', why: 'JetStream does not respond', isUnheard: true };
  const text = Buffer.from(data.buffer, data.byteOffset, data.length).toString();
  const plain = plainAck.exec(text);
  if (plain !== null) return { kind: 'stored', sequence: Number(plain[1]) };
  const answer = parseJson(text);
  if (typeof answer !== 'object' || answer === null) return { kind: 'unknown', why: 'the answer cannot be read' };
  const { error, ...stored } = answer as PubAck;
  if (error === undefined) return storedAnswer(stored);
  const { err_code: code = 0, description = 'no description' } = error;
  if (isWrongLastSequence(code)) return { kind: 'conflict' };
  if (isUndecided(code)) return { kind: 'unknown', why: description };
  return { kind: 'refused', why: `${description} (${code})`, isFull: isStorageExhausted(code) };
}

function storedAnswer({ seq: sequence = 0, duplicate = false, count }: Omit<PubAck, 'error'>): PublishAnswer {
  // nats-server 2.10 with replicas answers sequence 0 for a duplicate of a message that is staged and not stored yet.
  if (sequence === 0) return { kind: 'unknown', why: 'answered as a duplicate that is not stored' };
  if (duplicate) return { kind: 'stored', sequence, isDuplicate: true };
  return count === undefined ? { kind: 'stored', sequence } : { kind: 'stored', sequence, count };
}
