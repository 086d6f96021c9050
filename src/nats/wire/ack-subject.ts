/** What the reply subject of a delivered message says about the message. `at` is in milliseconds since the epoch. */
export type AckSubject = {
  /** How often the server has delivered this message, from 1. */
  deliveries: number;
  /** The sequence of the message in its JetStream stream. */
  sequence: number;
  /** The number of this delivery among all of its consumer, from 1. */
  consumerSequence: number;
  at: number;
};

/** Parses `$JS.ACK.<stream>.<consumer>.<deliveries>.<sequence>.<consumer sequence>.<nanoseconds>.<pending>`. */
export function parseAckSubject(reply: string): AckSubject {
  const tokens = reply.split('.');
  // Newer servers put a domain and an account hash before the stream.
  const start = tokens.length > 9 ? 6 : 4;
  return {
    deliveries: Number(tokens[start]),
    sequence: Number(tokens[start + 1]),
    consumerSequence: Number(tokens[start + 2]),
    // Truncated as text: 19 digits do not fit a number, and every reader must compute the same millisecond.
    at: Number(tokens[start + 3]?.slice(0, -6)),
  };
}
