import type { AcknowledgedMessage, Acknowledgements } from '#src/core/log/losses/loss-watch.ts';
import type { Clock } from '#src/core/ports/clock.ts';
import type { Connection } from '#src/nats/transport/connection/connection.ts';
import type { PublishAnswer } from '#src/nats/transport/publisher.ts';

/**
 * Counts the moments at which the log may have gone backwards (LINK4), and remembers what the server acknowledged and refused.
 *
 * 1. After a reconnection, because the server may have lost its last messages in a power cut.
 * 2. When an append gets a sequence that is not higher than one that was acknowledged before the append was sent. Then the log has lost
 *    messages, or was created again.
 *
 * At each of these moments, and at each pause between two acknowledgements, the last acknowledged message is kept for the comparison with
 * the log (LOSS2). A server that lost messages has restarted, and acknowledges nothing until then.
 */
export interface LogEpoch extends Acknowledgements {
  readonly value: number;
  /** The highest acknowledged sequence. After a loss, the highest one since. */
  readonly highest: number;
  /** The last message that the log did not store, because it is full or has stopped; `undefined` when a later message was stored. */
  readonly refusal: { at: number; why: string } | undefined;
  /** Notes that a message is sent now. Its answer is noted together with the result. */
  sending(id: string): SentMessage;
  /** Notes the answer to a message. */
  observe(answer: PublishAnswer, sent: SentMessage): void;
  /** Notes that the log was found to hold a message whose first answer was lost. */
  found(sequence: number, sent: SentMessage): void;
}

/** A message without an answer. `after`: the highest sequence that was acknowledged before it. */
export type SentMessage = Pick<AcknowledgedMessage, 'id' | 'sentAfter' | 'sentAt'> & { after: number };

/** A server that is connected and answers no message for so long has most probably stopped to store messages. */
const STOPPED_AFTER_MS = 10_000;
const STOPPED =
  'the log has answered no message for 10 s; if its disk was full, nats-server must be restarted when the disk has room again';
/** No server restarts within this time. */
const PAUSE_IN_MS = 100;
/** The log is compared once a second, so this limit is reached only while it does not answer. */
const MAX_UNCOMPARED = 100;
const nothing: AcknowledgedMessage = { sequence: 0, id: '', sentAfter: 0, sentAt: 0, at: Number.POSITIVE_INFINITY };

export function createLogEpoch(connection: Pick<Connection, 'onReconnect'>, clock: Pick<Clock, 'now'>): LogEpoch {
  let value = 0;
  let refusal: LogEpoch['refusal'];
  /** When the first message had no answer since the last one was stored. */
  let unansweredAt: number | undefined;
  let comparisons = 0;
  let newest = nothing;
  /** The epoch in which the newest message was acknowledged. */
  let newestIn = 0;
  let newestTaken = nothing;
  let uncompared: AcknowledgedMessage[] = [];
  connection.onReconnect(() => {
    value++;
  });

  function acknowledged(sequence: number, { id, sentAfter, sentAt }: SentMessage): void {
    const at = clock.now();
    const mayBeLost = newestIn !== value || at - newest.at >= PAUSE_IN_MS;
    if (mayBeLost) uncompared = [...uncompared, newest].slice(-MAX_UNCOMPARED);
    newest = { sequence, id, sentAfter, sentAt, at };
    newestIn = value;
  }

  function recordStored({ sequence, isDuplicate }: Extract<PublishAnswer, { kind: 'stored' }>, sent: SentMessage): void {
    // A duplicate has the sequence of an earlier message.
    if (isDuplicate) return;
    refusal = undefined;
    unansweredAt = undefined;
    if (sequence > newest.sequence) acknowledged(sequence, sent);
    else if (sequence <= sent.after) {
      value++;
      // The acknowledgements of messages that were sent before the loss was noticed come in any order.
      if (sent.after <= newest.sequence) acknowledged(sequence, sent);
    }
  }

  function recordUnanswered(): void {
    const at = clock.now();
    unansweredAt ??= at;
    if (at - unansweredAt >= STOPPED_AFTER_MS) refusal = { at, why: STOPPED };
  }

  return {
    get value() {
      return value;
    },
    get highest() {
      return newest.sequence;
    },
    get refusal() {
      return refusal;
    },
    sending: (id) => ({ id, sentAfter: comparisons, sentAt: clock.now(), after: newest.sequence }),
    observe(answer, sent) {
      if (answer.kind === 'stored') recordStored(answer, sent);
      else if (answer.kind === 'refused' && answer.isFull) refusal = { at: clock.now(), why: answer.why };
      else if (answer.kind === 'unknown' && answer.isUnanswered) recordUnanswered();
    },
    found(sequence, sent) {
      if (sequence > newest.sequence) acknowledged(sequence, sent);
    },
    take() {
      const taken = newest === newestTaken ? uncompared : [...uncompared, newest];
      newestTaken = newest;
      uncompared = [];
      return taken.filter((one) => one !== nothing);
    },
    compared(comparison) {
      comparisons = comparison;
    },
  };
}
