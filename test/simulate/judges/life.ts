import type { Fact, FactOf, Outcome, Terms } from '#machines/facts.ts';
import { Trace } from '#src/analysis/verify/trace.ts';
import type { AcceptedRequest, StreamName } from '#src/core/log/event-log.ts';
import type { DeliveryResult } from '#src/core/ports/destination-target.ts';
import type { ExecutionResult } from '#src/core/ports/function-host.ts';

/** Returns why the specification does not accept a fact. Any request that was stored several times may own the stream, each with a due time. */
export function follow(life: Life, fact: Fact): string | undefined {
  life.trace ??= new Trace({ id: life.id, isBatch: life.opens !== undefined, dueAt: life.requests.size === 1 ? life.dueAt : 0 });
  const problem = life.trace.read(fact);
  return problem === undefined ? undefined : `${life.id} leaves the specification: ${problem}`;
}

/** What the log holds and what happened in the world, for one invocation. Folded without the machine, so that a broken machine is found. */
export type Life = {
  key: string;
  id: string;
  name: StreamName;
  acceptedAt: number;
  /** The place in the order of the requests of the log. */
  place: number;
  /** The payload of the request. */
  payload: string;
  /** The destinations of the terms of the first attempt. */
  terms: Pick<Terms, 'onSuccess' | 'onFailure'> | undefined;
  /** When the first attempt of a delayed request is due; 0 for every other request. */
  dueAt: number;
  /** How urgent the request is. */
  priority: number;
  /** When attempts began to wait in the log for a slot of their key or for a token. */
  deferredAt: number[];
  /** That the invocation leads a group of debounced requests, or is a member of one. */
  closed: FactOf<'debounce.closed'> | undefined;
  joined: FactOf<'debounce.joined'> | undefined;
  /** The schedule that requested it at a fire time. */
  schedule: string | undefined;
  /** The request id that the invocation follows from. */
  parent: string | undefined;
  /**
   * The places of its requests in the order of the log. A request may be stored again when the server no longer knows its id. Its acceptance
   * and a follower of the log bring the same one.
   */
  requests: Set<number>;
  /** The batch that it is a member of, and the batch that it opens. */
  batch: string | undefined;
  opens: string | undefined;
  /** Its facts in the specification. Made by the first fact. */
  trace: Trace | undefined;
  /** The number of facts in the log. */
  facts: number;
  /** A power cut took some of its messages. */
  isCut: boolean;
  attempts: Map<number, { worker: string; at: number }>;
  retries: FactOf<'retrying'>[];
  /** The retries that the terms of the first attempt allow. */
  maxRetries: number;
  /** The age that the terms of the first attempt allow. Before it, the shortest one of all policies. */
  maxAgeInMs: number;
  outcomes: Outcome[];
  /** The sequence of the append with the outcome. */
  endedAt: number;
  notified: number;
  deliveries: Map<string, DeliveryLife>;
  /** The executions that happened. */
  executions: Map<number, { process: string; startedAt: number; tookInMs?: number; result?: ExecutionResult }>;
  published: { outcome: string; by: string }[];
};
type DeliveryLife = {
  started: Map<number, { deliverer: string }>;
  failed: FactOf<'delivery.failed'>[];
  end: 'delivered' | 'dead' | undefined;
  made: Map<number, DeliveryResult | undefined>;
};

/** No policy of a simulated function allows a shorter age. */
const SHORTEST_AGE_IN_MS = 30_000;

export function newLife(name: StreamName, id: string, isCut: boolean): Life {
  return {
    key: keyOf(name.function, id),
    id,
    name,
    acceptedAt: 0,
    place: 0,
    payload: '',
    terms: undefined,
    dueAt: 0,
    priority: 4,
    deferredAt: [],
    closed: undefined,
    joined: undefined,
    schedule: undefined,
    parent: undefined,
    requests: new Set(),
    batch: undefined,
    opens: undefined,
    trace: undefined,
    facts: 0,
    isCut,
    attempts: new Map(),
    retries: [],
    maxRetries: 0,
    maxAgeInMs: SHORTEST_AGE_IN_MS,
    outcomes: [],
    endedAt: 0,
    notified: 0,
    deliveries: new Map(),
    executions: new Map(),
    published: [],
  };
}

/** Takes over a request; true when it is the first message of the life. `place`: the place of the request in the log. */
export function foldRequest(life: Life, { fact, payload }: AcceptedRequest, place: number): boolean {
  const isFirst = life.acceptedAt === 0;
  life.payload = payload;
  if (isFirst) {
    life.dueAt = fact.dueAt ?? 0;
    life.schedule = fact.schedule?.name;
    life.batch = fact.batch;
    life.opens = fact.opens?.batch;
    life.priority = fact.priority ?? life.priority;
    life.place = place;
    life.acceptedAt = fact.at;
  }
  life.requests.add(place);
  if (fact.lineage !== undefined) life.parent = fact.lineage.parent;
  return isFirst;
}

export function foldDelivery(delivery: DeliveryLife, fact: Extract<Fact, { destination: string }>): void {
  if (fact.type === 'delivery.started') delivery.started.set(fact.try, { deliverer: fact.deliverer });
  else if (fact.type === 'delivery.failed') delivery.failed.push(fact);
  else if (fact.type === 'delivery.redriven') delivery.end = undefined;
  else if (fact.type === 'delivery.dead') delivery.end = 'dead';
  else if (fact.type === 'delivery.delivered') delivery.end = 'delivered';
}

/** Takes what happened in the world from a life as it was before a power cut, as far as the log still shows it. */
export function carryOver(old: Life, life: Life): void {
  life.isCut = old.isCut || life.facts < old.facts || life.requests.size < old.requests.size;
  if (life.outcomes.length > 0) life.published = old.published;
  for (const [attempt, { worker }] of life.attempts) {
    const execution = old.executions.get(attempt);
    if (execution?.process === worker) life.executions.set(attempt, execution);
  }
  for (const [destination, delivery] of life.deliveries) {
    for (const [number, result] of old.deliveries.get(destination)?.made ?? [])
      if (delivery.started.has(number)) delivery.made.set(number, result);
  }
}

export function isOver({ notified, deliveries }: Life): boolean {
  if (notified === 0) return false;
  for (const { end } of deliveries.values()) if (end === undefined) return false;
  return true;
}

export function newDelivery(): DeliveryLife {
  return { started: new Map(), failed: [], end: undefined, made: new Map() };
}

export function keyOf(name: string, id: string): string {
  return `${name}/${id}`;
}
