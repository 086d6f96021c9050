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

/**
 * Parses `$JS.ACK.<stream>.<consumer>.<deliveries>.<sequence>.<consumer sequence>.<nanoseconds>.<pending>`.
 *
 * Every message passes here several times, so the text is searched instead of split.
 */
export function parseAckSubject(reply: string): AckSubject {
  let start = reply.indexOf('.', PREFIX) + 1;
  start = reply.indexOf('.', start) + 1;
  // Newer servers put a domain and an account hash before the stream.
  if (tokensFrom(reply, start) > 5) start = reply.indexOf('.', reply.indexOf('.', start) + 1) + 1;
  const sequence = reply.indexOf('.', start) + 1;
  const consumerSequence = reply.indexOf('.', sequence) + 1;
  const time = reply.indexOf('.', consumerSequence) + 1;
  return {
    deliveries: Number(reply.slice(start, sequence - 1)),
    sequence: Number(reply.slice(sequence, consumerSequence - 1)),
    consumerSequence: Number(reply.slice(consumerSequence, time - 1)),
    // Truncated as text: 19 digits do not fit a number, and every reader must compute the same millisecond.
    at: Number(reply.slice(time, reply.indexOf('.', time) - NANOSECOND_DIGITS)),
  };
}

/** How many messages of the consumer waited when this one was delivered. nats-server 2.10 and 2.11 end the subject with this number. */
export function pendingIn(reply: string): number {
  return Number(reply.slice(reply.lastIndexOf('.') + 1));
}

const PREFIX = '$JS.ACK.'.length;
/** The digits of a time in nanoseconds that are below a millisecond. */
const NANOSECOND_DIGITS = 6;

function tokensFrom(text: string, start: number): number {
  let tokens = 1;
  for (let dot = text.indexOf('.', start); dot !== -1; dot = text.indexOf('.', dot + 1)) tokens++;
  return tokens;
}
