import { afterFailedTry, type Delivery, isSettled } from '#machines/delivery.ts';
import type { DeliveryFact, Destination, Fact, FactOf } from '#machines/facts.ts';
import { deliveryOf, type Invocation, openDeliveries } from '#machines/invocation.ts';
import type { DeliveryRequest, DeliveryResult } from '#src/core/destination-target.ts';
import { encodeEnvelope } from '#src/core/envelope.ts';
import type { AcceptedRequest } from '#src/core/event-log.ts';
import { requestOf, type StreamState } from '#src/core/stream.ts';
import { type Rest, restOf, type StreamRun } from '#src/core/stream-hands.ts';
import { createStreamWriter } from '#src/core/stream-writer.ts';
import { shareOf } from './chain-budget.ts';
import { keyOf } from './parking.ts';
import type { DestinationsPorts } from './ports.ts';

/** Tells the destinations of the outcomes of one stream, as far as it is time. */
export function createDeliveryRun(ports: DestinationsPorts, state: StreamState): StreamRun {
  const { log, clock, name: deliverer, targets, places, parking, active, owners } = ports;
  const writer = createStreamWriter({ log, state, by: deliverer, appendId: ports.appendId });

  async function advanceOne(id: string, request: AcceptedRequest): Promise<Rest> {
    const before = writer.state.invocations.get(id);
    const rests = await Promise.all(
      (before === undefined ? [] : openDeliveries(before.context)).map((destination) => deliver(request, destination)),
    );
    const after = writer.state.invocations.get(id);
    const isTold = after !== undefined && after.value !== 'notified' && openDeliveries(after.context).length === 0;
    if (isTold) await writer.propose(id, [{ type: 'notified', invocation: id, at: clock.now() }]);
    return restOf(rests);
  }

  async function deliver(request: AcceptedRequest, destination: Destination): Promise<Rest> {
    for (;;) {
      const rest = await step(request, destination);
      if (rest !== 'again') return rest;
    }
  }

  async function step(request: AcceptedRequest, destination: Destination): Promise<Rest | 'again'> {
    const id = request.fact.invocation;
    const deliveryId = `${id}/${destination.id}`;
    const invocation = writer.state.invocations.get(id);
    const delivery = invocation === undefined ? undefined : deliveryOf(invocation.context, destination.id);
    // Done, or somebody in this process is at it, who reports for it.
    if (invocation === undefined || isSettled(delivery) || active.has(deliveryId)) return 'done';
    if (delivery?.value === 'delivering') return takeOver(id, destination, delivery);
    if (clock.now() < (delivery?.context.dueAt ?? 0)) return 'done';
    active.add(deliveryId);
    try {
      // Too many wait for the same place: it is parked, and unacknowledged.
      return (await attempt(request, invocation, destination)) ? 'again' : 'elsewhere';
    } finally {
      active.delete(deliveryId);
    }
  }

  async function takeOver(id: string, destination: Destination, { context }: Delivery): Promise<Rest | 'again'> {
    const { tries, deliverer: other } = context;
    if (await owners.isRunning(other ?? '', `${id}/${destination.id}`, tries)) return 'elsewhere';
    await writer.propose(id, [cut(id, destination, tries, other)]);
    return 'again';
  }

  /** Makes one try. False when the place is too busy. */
  async function attempt(request: AcceptedRequest, invocation: Invocation, destination: Destination): Promise<boolean> {
    const target = targets[destination.destination];
    const place = target?.placeOf(destination) ?? destination.destination;
    const leave = await places.enter(place, { stream: keyOf(writer.state.name), atOnce: target?.triesAtOnce ?? ports.triesAtOnce });
    if (leave === undefined) {
      parking.note(writer.state.name, place);
      return false;
    }
    try {
      const id = request.fact.invocation;
      const number = (deliveryOf(invocation.context, destination.id)?.context.tries ?? 0) + 1;
      const fact = { invocation: id, destination: destination.id, try: number };
      const effects = await writer.propose(id, [{ type: 'delivery.started', ...fact, at: clock.now(), deliverer }]);
      // Refused: somebody else began this try. The log says how it goes on.
      if (effects === undefined) return true;
      const tried = { request, invocation, destination, number, maxBytes: target?.maxEnvelopeBytes };
      const result: DeliveryResult =
        target === undefined
          ? { kind: 'dead', reason: `there is no destination of the kind ${destination.destination}` }
          : await within(ports.tryTimeoutInMs, (signal) => target.deliver(deliveryRequest(tried), signal));
      await settle(id, settledTry(invocation, { ...fact, at: clock.now() }, result));
      return true;
    } finally {
      leave();
    }
  }

  /** The last delivery and the end of all of them are one append, unless another one is settled in the same moment. */
  async function settle(id: string, fact: DeliveryFact): Promise<void> {
    const current = writer.state.invocations.get(id);
    const isLast = current !== undefined && openDeliveries(current.context).every((open) => open.id === fact.destination);
    if (isLast && current.value !== 'notified' && fact.type !== 'delivery.failed') {
      if ((await writer.propose(id, [fact, { type: 'notified', invocation: id, at: fact.at }])) !== undefined) return;
    }
    await writer.propose(id, [fact]);
  }

  function deliveryRequest({ request, invocation, destination, number, maxBytes }: Try): DeliveryRequest {
    const { fact } = request;
    return {
      deliveryId: `${fact.invocation}/${destination.id}`,
      try: number,
      destination,
      envelope: encodeEnvelope(ports.place, request, invocation, maxBytes),
      requestId: fact.invocation,
      functionName: fact.function,
      qualifier: fact.qualifier,
      outcome: invocation.context.outcome?.type ?? 'failed',
      acceptedAt: fact.at,
      lineage: lineageOf(fact, invocation, destination),
      ...(fact.traceparent === undefined ? {} : { traceparent: fact.traceparent }),
    };
  }

  function lineageOf({ lineage, invocation: id }: FactOf<'queued'>, { context }: Invocation, { id: destination }: Destination) {
    const chain = (context.outcome?.destinations ?? []).filter(({ destination: kind }) => kind === 'FunctionGraph');
    const place = chain.findIndex((one) => one.id === destination);
    const budget = Math.min(lineage?.budget ?? ports.maxChain, ports.maxChain);
    return { root: lineage?.root ?? id, hop: lineage?.hop ?? 0, budget: shareOf(budget, { place, among: chain.length }) };
  }

  function settledTry(invocation: Invocation, fact: TryFact, result: DeliveryResult): DeliveryFact {
    if (result.kind === 'delivered') return { type: 'delivery.delivered', ...fact };
    if (result.kind === 'dead') return { type: 'delivery.dead', ...fact, reason: result.reason };
    const endsAt = (invocation.context.outcome?.at ?? 0) + ports.maxDeliveryAgeInMs;
    return afterFailedTry({ fact: { ...fact, reason: result.reason }, retryAfterInMs: result.retryAfterInMs, endsAt });
  }

  /** A try whose maker vanished: nobody knows whether it arrived, so it is made again under the same delivery id (D1). */
  function cut(id: string, destination: Destination, tries: number, other: string | null): Fact {
    const at = clock.now();
    const reason = `${other} vanished during try ${tries}`;
    return { type: 'delivery.failed', invocation: id, destination: destination.id, try: tries, at, dueAt: at, reason };
  }

  return {
    refresh: writer.refresh,
    async advance() {
      const open = [...writer.state.invocations].filter(([, { context }]) => context.outcome !== null);
      return restOf(
        await Promise.all(
          open.map(([id]) => {
            const request = requestOf(writer.state, id);
            return request === undefined ? 'done' : advanceOne(id, request);
          }),
        ),
      );
    },
  };
}

/** Gives something up after a while. A signal of its own accord would keep its timer long after it is done. */
async function within<Value>(limitInMs: number, work: (signal: AbortSignal) => Promise<Value>): Promise<Value> {
  const givingUp = new AbortController();
  const timer = setTimeout(() => givingUp.abort(), limitInMs);
  try {
    return await work(givingUp.signal);
  } finally {
    clearTimeout(timer);
  }
}

type Try = {
  request: AcceptedRequest;
  invocation: Invocation;
  destination: Destination;
  number: number;
  maxBytes: number | undefined;
};
type TryFact = { invocation: string; destination: string; try: number; at: number };
