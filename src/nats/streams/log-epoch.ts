import type { Connection } from '#src/nats/transport/connection.ts';

/**
 * Counts the moments at which the log may have gone backwards (LINK4).
 *
 * 1. After a reconnection, because the server may have lost its last messages in a power cut.
 * 2. When an append gets a sequence that is not higher than one that was acknowledged before the append was sent. Then the log has lost
 *    messages, or was created again.
 */
export interface LogEpoch {
  readonly value: number;
  /** The highest acknowledged sequence. */
  readonly highest: number;
  /** Notes the acknowledgement of an append that was sent when `sentAfter` was the highest one. */
  note(sequence: number, sentAfter: number): void;
}

export function createLogEpoch(connection: Pick<Connection, 'onReconnect'>): LogEpoch {
  let value = 0;
  let highest = 0;
  connection.onReconnect(() => {
    value++;
  });
  return {
    get value() {
      return value;
    },
    get highest() {
      return highest;
    },
    note(sequence, sentAfter) {
      if (sequence > highest) highest = sequence;
      else if (sequence <= sentAfter) {
        value++;
        highest = sequence;
      }
    },
  };
}
