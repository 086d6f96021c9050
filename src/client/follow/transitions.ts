import type { LiveTransition, TransitionFilter } from '#src/core/log/transitions.ts';

/** Which transitions a subscription has, from where, and whether JetStream keeps its position. */
export type TransitionsOptions = TransitionFilter & {
  /** After the newest message (`now`, the default), from a sequence of the log, or from a time. No effect for a cursor that exists. */
  from?: 'now' | number | Date;
  /** The name of a cursor that JetStream keeps. Subscribers with one name share the transitions. */
  durable?: string;
  /** The time after its delivery within which a transition must be acknowledged, in milliseconds; 30 s by default. */
  ackWaitInMs?: number;
};

/** A transition that a subscription delivered. */
export type DeliveredTransition = LiveTransition & {
  /** Acknowledges the transition. A durable subscription redelivers a transition without it; for other subscriptions it has no effect. */
  ack(): void;
};

/**
 * Transitions in the order of the log.
 *
 * With a durable name, each transition is delivered at least once, also across restarts. A transition that is not acknowledged in time is
 * redelivered to any subscriber with that name, possibly after later transitions. `sequence` and `fact` identify a repetition.
 *
 * Reading ends with the loop, with `close`, or with the client. The first step of the loop throws the error of opening:
 * `InvalidInputError`, or `WrongStateError` when the cursor follows something else.
 *
 * @example
 * import { connectClient } from 'sequent-functions/client';
 *
 * await using client = await connectClient();
 * // Each failure of orders is seen at least once, also when this process restarts.
 * for await (const { function: name, fact, ack } of client.transitions({ function: 'orders', state: 'failed', durable: 'pager' })) {
 *   console.log(name, fact.invocation, fact.at);
 *   ack();
 * }
 */
export interface Transitions extends AsyncIterable<DeliveredTransition>, AsyncDisposable {
  /** Resolves when the start position in the log is fixed. */
  readonly ready: Promise<void>;
  /** Ends the subscription. A durable cursor stays, with its position. */
  close(): Promise<void>;
}
