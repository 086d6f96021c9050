import type { Clock } from '#src/core/ports/clock.ts';
import type { Connection } from '#src/nats/transport/connection.ts';
import type { PublishAnswer } from '#src/nats/transport/publisher.ts';

/**
 * Counts the moments at which the log may have gone backwards (LINK4), and remembers what the server acknowledged and refused.
 *
 * 1. After a reconnection, because the server may have lost its last messages in a power cut.
 * 2. When an append gets a sequence that is not higher than one that was acknowledged before the append was sent. Then the log has lost
 *    messages, or was created again.
 */
export interface LogEpoch {
  readonly value: number;
  /** The highest acknowledged sequence. After a loss, the highest one since. */
  readonly highest: number;
  /** The last loss that an acknowledgement proved: the log gave the sequence after `keptUpTo` again, after it had acknowledged `upTo`. */
  readonly loss: { keptUpTo: number; upTo: number } | undefined;
  /** The last message that the log refused because it is full; `undefined` when a later message was stored. */
  readonly refusal: { at: number; why: string } | undefined;
  /** Notes the answer to a message that was sent when `sentAfter` was the highest acknowledged sequence. */
  note(answer: PublishAnswer, sentAfter: number): void;
}

export function createLogEpoch(connection: Pick<Connection, 'onReconnect'>, clock: Pick<Clock, 'now'>): LogEpoch {
  let value = 0;
  let highest = 0;
  let loss: LogEpoch['loss'];
  let refusal: LogEpoch['refusal'];
  connection.onReconnect(() => {
    value++;
  });

  function noteStored({ sequence, isDuplicate }: Extract<PublishAnswer, { kind: 'stored' }>, sentAfter: number): void {
    // A duplicate has the sequence of an earlier message.
    if (isDuplicate) return;
    refusal = undefined;
    if (sequence > highest) highest = sequence;
    else if (sequence <= sentAfter) {
      value++;
      // The acknowledgements of messages that were sent before the loss was noticed come in any order.
      if (sentAfter > highest) return;
      loss = { keptUpTo: sequence - 1, upTo: highest };
      highest = sequence;
    }
  }

  return {
    get value() {
      return value;
    },
    get highest() {
      return highest;
    },
    get loss() {
      return loss;
    },
    get refusal() {
      return refusal;
    },
    note(answer, sentAfter) {
      if (answer.kind === 'stored') noteStored(answer, sentAfter);
      else if (answer.kind === 'refused' && answer.isFull) refusal = { at: clock.now(), why: answer.why };
    },
  };
}
