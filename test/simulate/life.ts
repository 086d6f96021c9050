import type { Fact, FactOf, Outcome } from '#machines/facts.ts';
import type { DeliveryResult } from '#src/core/ports/destination-target.ts';
import type { ExecutionResult } from '#src/core/ports/function-host.ts';

/** What the log holds and what happened in the world, for one invocation. Folded without the machine, so that a broken machine is found. */
export type Life = {
  key: string;
  id: string;
  function: string;
  attempts: Map<number, { worker: string; at: number }>;
  retries: FactOf<'retrying'>[];
  /** The retries that the terms of the first attempt allow. */
  maxRetries: number;
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

export function newLife(functionName: string, id: string): Life {
  return {
    key: keyOf(functionName, id),
    id,
    function: functionName,
    attempts: new Map(),
    retries: [],
    maxRetries: 0,
    outcomes: [],
    endedAt: 0,
    notified: 0,
    deliveries: new Map(),
    executions: new Map(),
    published: [],
  };
}

export function foldDelivery(delivery: DeliveryLife, fact: Extract<Fact, { destination: string }>): void {
  if (fact.type === 'delivery.started') delivery.started.set(fact.try, { deliverer: fact.deliverer });
  else if (fact.type === 'delivery.failed') delivery.failed.push(fact);
  else if (fact.type === 'delivery.redriven') delivery.end = undefined;
  else if (fact.type === 'delivery.dead') delivery.end = 'dead';
  else if (fact.type === 'delivery.delivered') delivery.end = 'delivered';
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
