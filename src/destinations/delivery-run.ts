import { deliveryOf, openDeliveries } from '#machines/deliveries.ts';
import {
  type Delivery,
  type DeliveryEffect,
  deliveryEffectsDue,
  deliveryEndsAt,
  deliveryExpiredFact,
  isSettled,
} from '#machines/delivery.ts';
import type { Destination, Fact } from '#machines/facts.ts';
import type { AcceptedRequest } from '#src/core/log/event-log.ts';
import { streamKey } from '#src/core/log/stream-key.ts';
import { combineResults, type RunResult, type StreamRun } from '#src/core/stream/active-streams.ts';
import { requestOf, type StreamState } from '#src/core/stream/stream.ts';
import { createStreamWriter } from '#src/core/stream/stream-writer.ts';
import { deliveryIdOf, type Try } from './delivery-request.ts';
import type { DeliveryPorts } from './ports.ts';

/** Tells the destinations of the outcomes of one stream, as far as it is time. */
export function createDeliveryRun(ports: DeliveryPorts, state: StreamState): StreamRun {
  const { log, clock, name: deliverer, targets, limiter, parking, tries, active, executionProbe } = ports;
  const writer = createStreamWriter({ log, state, by: deliverer, appendId: ports.appendId, clock });

  async function advanceOne(id: string, request: AcceptedRequest): Promise<RunResult> {
    const before = writer.state.invocations.get(id);
    const rests = await Promise.all((before === undefined ? [] : openDeliveries(before.context)).map((one) => deliver(request, one)));
    await tries.close(id, writer);
    return combineResults(rests);
  }

  async function deliver(request: AcceptedRequest, destination: Destination): Promise<RunResult> {
    for (;;) {
      const rest = await step(request, destination);
      if (rest !== 'again') return rest;
    }
  }

  async function step(request: AcceptedRequest, destination: Destination): Promise<RunResult | 'again'> {
    const invocation = writer.state.invocations.get(request.fact.invocation);
    if (invocation === undefined || isForOthers(destination)) return 'settled';
    const delivery = deliveryOf(invocation.context, destination.id);
    if (isSettled(delivery)) return 'settled';
    return await proceed({ request, invocation, destination, number: (delivery?.context.tries ?? 0) + 1 }, delivery);
  }

  /** What this role does for each effect that a delivery in the log asks for. A try of this run is made where it is appended. */
  const performers: Readonly<
    Record<DeliveryEffect, (tried: Try, delivery: Delivery | undefined) => RunResult | Promise<RunResult | 'again'>>
  > = {
    makeTry,
    // A hint can be early.
    wakeWhenDue: (tried, delivery) => (clock.now() < (delivery?.context.dueAt ?? 0) ? 'settled' : makeTry(tried, delivery)),
    deliver: takeOver,
  };

  async function proceed(tried: Try, delivery: Delivery | undefined): Promise<RunResult | 'again'> {
    // Another run of this process makes the try, and records its result.
    if (active.has(deliveryIdOf(tried.request.fact.invocation, tried.destination.id))) return 'settled';
    const [effect] = deliveryEffectsDue(delivery);
    return effect === undefined ? 'settled' : await performers[effect](tried, delivery);
  }

  function makeTry(tried: Try, delivery: Delivery | undefined): Promise<RunResult | 'again'> {
    return isOutdated(tried, delivery) ? giveUp(tried, delivery) : attempt(tried);
  }

  function isForOthers({ destination }: Destination): boolean {
    return ports.leavesOthers && targets[destination] === undefined;
  }

  function isOutdated({ invocation: { context } }: Try, delivery: Delivery | undefined): boolean {
    return clock.now() >= deliveryEndsAt(delivery, context.outcome, ports.maxDeliveryAgeInMs);
  }

  async function giveUp({ request, destination }: Try, delivery: Delivery | undefined): Promise<'again'> {
    const { invocation } = request.fact;
    await tries.settle(deliveryExpiredFact(delivery, { invocation, destination: destination.id, at: clock.now() }), writer);
    return 'again';
  }

  async function takeOver({ request, destination }: Try, delivery: Delivery | undefined): Promise<RunResult | 'again'> {
    const { tries: number, deliverer: other } = delivery?.context ?? { tries: 0, deliverer: null };
    const id = request.fact.invocation;
    if (await executionProbe.isRunning(other ?? '', deliveryIdOf(id, destination.id), number)) return 'left-unacked';
    await writer.propose(id, [cut(id, destination, number, other)]);
    return 'again';
  }

  async function attempt(tried: Try): Promise<RunResult | 'again'> {
    const deliveryId = deliveryIdOf(tried.request.fact.invocation, tried.destination.id);
    active.add(deliveryId);
    try {
      // Too many wait for the same place: it is parked, and unacknowledged.
      return (await beginAndMake(tried)) ? 'again' : 'left-unacked';
    } finally {
      active.delete(deliveryId);
    }
  }

  /** Begins a try, and makes it. False when the place is too busy. */
  async function beginAndMake(tried: Try): Promise<boolean> {
    const { destination, number, request } = tried;
    const target = targets[destination.destination];
    const place = target?.limitKeyOf(destination) ?? destination.destination;
    const leave = await limiter.enter(place, { stream: streamKey(writer.state.name), atOnce: target?.triesAtOnce ?? ports.triesAtOnce });
    if (leave === undefined) {
      parking.note(writer.state.name, place);
      return false;
    }
    try {
      const id = request.fact.invocation;
      // It waited for its place until it was too old: look again.
      if (isOutdated(tried, deliveryOf(tried.invocation.context, destination.id))) return true;
      const fact = { invocation: id, destination: destination.id, try: number, at: clock.now() };
      const effects = await writer.propose(id, [{ type: 'delivery.started', ...fact, deliverer }]);
      // Without the effect it was refused: another process started this try. The log says how it goes on.
      if (effects?.includes('deliver')) await tries.make(tried, writer);
      return true;
    } finally {
      leave();
    }
  }

  /** A try whose maker vanished: nobody knows whether it arrived, so it is made again under the same delivery id (D1). */
  function cut(id: string, destination: Destination, tries: number, other: string | null): Fact {
    const at = clock.now();
    const reason = `${other} vanished during try ${tries}`;
    return { type: 'delivery.failed', invocation: id, destination: destination.id, try: tries, at, dueAt: at, reason };
  }

  return {
    refresh: (known) => writer.refresh(known),
    async advance() {
      const open = [...writer.state.invocations].filter(([, { context }]) => context.outcome !== null);
      return combineResults(
        await Promise.all(
          open.map(([id]) => {
            const request = requestOf(writer.state, id);
            return request === undefined ? 'settled' : advanceOne(id, request);
          }),
        ),
      );
    },
  };
}
