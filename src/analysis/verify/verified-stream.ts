import { deliveryOf } from '#machines/deliveries.ts';
import { isDead } from '#machines/delivery.ts';
import type { Fact, FactOf } from '#machines/facts.ts';
import { type Invocation, invocationFolder } from '#machines/invocation.ts';
import type { StreamName } from '#src/core/log/event-log.ts';
import { isInvocationSettled } from '#src/core/stream/stream.ts';
import type { Trace } from './trace.ts';

/** A stream while it is verified. */
export type VerifiedStream = {
  name: StreamName;
  /** Requests of the same id, until the first append names the owner. */
  requests: StreamRequest[];
  /** The sequence of the request that owns the stream. */
  owner: number | undefined;
  version: number;
  /** The hash of the last accepted message. */
  head: string;
  /** Whether an append with a link was accepted. */
  isLinked: boolean;
  invocations: Map<string, Invocation>;
  /** The invocations in the specification. Made by their first facts, in a strict verification. */
  traces: Map<string, Trace>;
};
type StreamRequest = { sequence: number; hash: string; facts: readonly FactOf<'queued'>[] };

export function createVerifiedStream(name: StreamName, request: StreamRequest): VerifiedStream {
  return {
    name,
    requests: [request],
    owner: undefined,
    version: 0,
    head: request.hash,
    isLinked: false,
    invocations: initialStates(request.facts),
    traces: new Map(),
  };
}

/** Gives the stream to a request. Returns false, and changes nothing, when the stream holds no such request. */
export function setOwner(stream: VerifiedStream, request: number): boolean {
  const owner = stream.requests.find(({ sequence }) => sequence === request);
  if (owner === undefined) return false;
  if (owner !== stream.requests[0]) {
    stream.invocations = initialStates(owner.facts);
    stream.head = owner.hash;
  }
  stream.owner = request;
  stream.requests = [];
  return true;
}

/** The hash that the next append must link to: of the last accepted message, or of the request that a first append names. */
export function expectedLink({ owner, requests, head }: VerifiedStream, request: number): string | undefined {
  return owner === undefined ? requests.find(({ sequence }) => sequence === request)?.hash : head;
}

/** Whether the stream can leave memory: a redrive of a dead delivery would append to it again. */
export function isComplete({ invocations }: VerifiedStream): boolean {
  for (const invocation of invocations.values()) if (!isInvocationSettled(invocation) || hasDeadDelivery(invocation)) return false;
  return true;
}

function initialStates(facts: readonly FactOf<'queued'>[]): Map<string, Invocation> {
  const invocations = new Map<string, Invocation>();
  for (const fact of facts) {
    const step = invocationFolder.step(invocationFolder.initial, fact);
    if (step !== undefined) invocations.set(fact.invocation, step.snapshot);
  }
  return invocations;
}

function hasDeadDelivery({ context }: Invocation): boolean {
  return Object.keys(context.deliveries).some((id) => isDead(deliveryOf(context, id)));
}

export function isEnd(type: Fact['type']): boolean {
  return type === 'succeeded' || type === 'failed' || type === 'notified';
}
