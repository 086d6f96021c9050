import { createInbox, type Msg, type MsgHdrs } from 'nats';
import { messageOf } from '#src/core/errors.ts';
import { PassingMap } from '#src/core/stream/passing-map.ts';
import { parseJson } from '#src/core/text/json.ts';
import type { Connection } from './connection.ts';
import { type ApiError, isPayloadTooLarge, isStorageExhausted, isUndecided, isWrongLastSequence } from './errors.ts';
import { watchRefusedPublishes } from './refused-publishes.ts';

/** What became of a publish. Never a guess: without an answer it is unknown (A1). */
export type PublishAnswer =
  | { kind: 'stored'; sequence: number; isDuplicate?: true }
  /** The stream is not at the expected version. */
  | { kind: 'conflict' }
  /**
   * Refused, and certainly not stored. `isFull` when storage or a limit is exhausted, `isForbidden` when the user of the connection may
   * not publish to the subject.
   */
  | { kind: 'refused'; why: string; isFull: boolean; isForbidden?: true }
  | { kind: 'unknown'; why: string };

/** Publishes to JetStream with many publishes in flight. */
export interface Publisher {
  /** Never rejects. */
  publish(subject: string, payload: string | Uint8Array, headers?: MsgHdrs): Promise<PublishAnswer>;
  close(): void;
}

type Pending = { resolve: (answer: PublishAnswer) => void; subject: string; sentAt: number };

/**
 * Makes a publisher on one long-lived acknowledgement inbox: an acknowledgement costs a look-up instead of a subscription.
 *
 * Every in-flight publish becomes `unknown` when the connection is lost or no answer comes within `timeoutInMs`.
 */
export function createPublisher(connection: Connection, { timeoutInMs = 5_000 } = {}): Publisher {
  const { nats } = connection;
  const inbox = createInbox();
  const pending = new PassingMap<number, Pending>();
  let next = 0;

  const subscription = nats.subscribe(`${inbox}.*`, {
    callback: (error, message) => {
      // The inbox was refused. What is in flight has no answer then, and becomes unknown in time.
      if (error !== null) return;
      pending.delete(Number(message.subject.slice(inbox.length + 1)))?.resolve(parseAnswer(message));
    },
  });
  const endRefusals = watchRefusedPublishes(connection.refusals, {
    pending,
    nextKey: () => next,
    refuse(key, why) {
      pending.delete(key)?.resolve({ kind: 'refused', why, isFull: false, isForbidden: true });
    },
  });
  const endDisconnect = connection.onDisconnect(() => giveUp(() => true, 'the connection was lost'));
  const sweep = setInterval(() => {
    const oldest = performance.now() - timeoutInMs;
    giveUp(({ sentAt }) => sentAt < oldest, `no answer within ${timeoutInMs} ms`);
  }, 250);
  sweep.unref();

  function giveUp(which: (entry: Pending) => boolean, why: string): void {
    for (const [key, entry] of pending) {
      // The map is in the order of sending: behind the first that is young enough all are.
      if (!which(entry)) return;
      pending.delete(key);
      entry.resolve({ kind: 'unknown', why });
    }
  }

  return {
    publish(subject, payload, headers) {
      // The client would keep it for the next connection, and then forget it.
      if (!connection.isConnected) return Promise.resolve({ kind: 'unknown', why: 'not connected' });
      return new Promise((resolve) => {
        const key = next++;
        const reply = `${inbox}.${key}`;
        // The client would make bytes of a text too, by a dearer way.
        const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload;
        try {
          nats.publish(subject, bytes, headers === undefined ? { reply } : { reply, headers });
          pending.set(key, { resolve, subject, sentAt: performance.now() });
        } catch (error) {
          resolve(
            isPayloadTooLarge(error) ? { kind: 'refused', why: messageOf(error), isFull: false } : { kind: 'unknown', why: String(error) },
          );
        }
      });
    },
    close() {
      clearInterval(sweep);
      endDisconnect();
      endRefusals();
      giveUp(() => true, 'the publisher was closed');
      subscription.unsubscribe();
    },
  };
}

type PubAck = { seq?: number; duplicate?: boolean; error?: ApiError };

/** What nearly every answer is: of those that say more, JSON is read. */
const plainAck = /^\{"stream":"[^"\\]*", ?"seq":([1-9][0-9]{0,14})\}$/;

function parseAnswer({ data }: Msg): PublishAnswer {
  if (data.length === 0) return { kind: 'unknown', why: 'JetStream does not respond' };
  const text = Buffer.from(data.buffer, data.byteOffset, data.length).toString();
  const plain = plainAck.exec(text);
  if (plain !== null) return { kind: 'stored', sequence: Number(plain[1]) };
  const answer = parseJson(text);
  if (typeof answer !== 'object' || answer === null) return { kind: 'unknown', why: 'the answer cannot be read' };
  const { seq = 0, duplicate = false, error } = answer as PubAck;
  if (error === undefined) {
    // A duplicate at sequence 0 is staged, not stored (nats-server 2.10 with replicas).
    if (seq > 0 && duplicate) return { kind: 'stored', sequence: seq, isDuplicate: true };
    return seq > 0 ? { kind: 'stored', sequence: seq } : { kind: 'unknown', why: 'answered as a duplicate that is not stored' };
  }
  const { err_code: code = 0, description = 'no description' } = error;
  if (isWrongLastSequence(code)) return { kind: 'conflict' };
  if (isUndecided(code)) return { kind: 'unknown', why: description };
  return { kind: 'refused', why: `${description} (${code})`, isFull: isStorageExhausted(code) };
}
