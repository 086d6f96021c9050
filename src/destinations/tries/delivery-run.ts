import { deliveryOf, openDeliveries } from '#machines/deliveries.ts';
import { type Delivery, deliveryEffectsDue, deliveryEndsAt, deliveryExpiredFact, isDeliverySettled } from '#machines/delivery.ts';
import type { Destination, Fact, Outcome } from '#machines/facts.ts';
import type { Invocation, InvocationEffect } from '#machines/invocation.ts';
import { isSameOutcome } from '#machines/outcome.ts';
import { publishUnlessStored } from '#src/core/log/envelope.ts';
import type { AcceptedRequest } from '#src/core/log/event-log.ts';
import { streamKey } from '#src/core/names/ids.ts';
import { isLost } from '#src/core/ports/questions/execution-probe.ts';
import { combineResults, type RunResult, type StreamRun } from '#src/core/stream/active-streams.ts';
import { mayBeUnpublished } from '#src/core/stream/ended-without-item.ts';
import { isInvocationSettled, requestOf, type StreamState } from '#src/core/stream/stream.ts';
import { StreamWriter } from '#src/core/stream/stream-writer.ts';
import type { AdmittedTry, CircuitKey } from '#src/destinations/limits/circuits.ts';
import type { DeliveryPorts } from '#src/destinations/ports.ts';
import { idOfDelivery, type Try } from './delivery-request.ts';

/** `again`: the log has a new fact of the delivery, so the run decides about the delivery again. */
type StepResult = RunResult | 'again';

/** A delivery with the outcome that asks for it. */
type DueDelivery = { destination: Destination; outcome: Outcome | null };

/** Delivers the outcomes of one stream, as far as their deliveries are due. A class for the reason V6 (docs/performance.md). */
export class DeliveryRun implements StreamRun {
  readonly #ports: DeliveryPorts;
  readonly #writer: StreamWriter;

  constructor(ports: DeliveryPorts, state: StreamState) {
    const { log, name, appendId, clock } = ports;
    this.#ports = ports;
    this.#writer = new StreamWriter({ log, state, by: name, appendId, clock });
  }

  async refresh(known?: StreamState): Promise<void> {
    await this.#writer.refresh(known);
  }

  async advance(): Promise<RunResult> {
    const { state } = this.#writer;
    const ended = [...state.invocations].filter(([, { context }]) => context.outcome !== null);
    return combineResults(
      await Promise.all(
        ended.map(([id]) => {
          const request = requestOf(state, id);
          return request === undefined ? 'settled' : this.#advanceInvocation(id, request);
        }),
      ),
    );
  }

  async #advanceInvocation(id: string, request: AcceptedRequest): Promise<RunResult> {
    for (;;) {
      const invocation = this.#writer.state.invocations.get(id);
      if (invocation === undefined || isInvocationSettled(invocation)) return 'settled';
      const { outcome } = invocation.context;
      await this.#publishBeforeFirstFact(request, invocation);
      const open = openDeliveries(invocation.context);
      const results = await Promise.all(open.map((destination) => this.#deliver(request, { destination, outcome })));
      // The next outcome has a result and deliveries of its own.
      if (!this.#hasOutcome(id, outcome)) continue;
      await this.#ports.tries.notifyWhenSettled(id, outcome, this.#writer);
      if (this.#hasOutcome(id, outcome)) return combineResults(results);
    }
  }

  /** False when a power cut took this outcome from the log. */
  #hasOutcome(id: string, outcome: Outcome | null): boolean {
    return isSameOutcome(this.#writer.state.invocations.get(id)?.context.outcome ?? null, outcome);
  }

  /**
   * Stores the result of an outcome that no item stands for. Once a delivery has started, or the invocation is `notified`, no other process
   * looks after the result (PUB4).
   */
  async #publishBeforeFirstFact(request: AcceptedRequest, invocation: Invocation): Promise<void> {
    const { outcome } = invocation.context;
    if (outcome === null || !mayBeUnpublished(invocation)) return;
    await publishUnlessStored({ name: this.#writer.state.name, request, invocation, outcome }, this.#ports);
  }

  async #deliver(request: AcceptedRequest, due: DueDelivery): Promise<RunResult> {
    for (;;) {
      const result = await this.#step(request, due);
      if (result !== 'again') return result;
    }
  }

  async #step(request: AcceptedRequest, { destination, outcome }: DueDelivery): Promise<StepResult> {
    const { active, firstTries, targets, skipsUnknownKinds } = this.#ports;
    const id = request.fact.invocation;
    const invocation = this.#writer.state.invocations.get(id);
    if (invocation === undefined || (skipsUnknownKinds && targets[destination.destination] === undefined)) return 'settled';
    // After a power cut the log may lack the outcome. The invocation runs again, and its next outcome has deliveries of its own.
    if (!this.#hasOutcome(id, outcome)) return 'settled';
    const delivery = deliveryOf(invocation.context, destination.id);
    if (isDeliverySettled(delivery)) return 'settled';
    const deliveryId = idOfDelivery({ request, invocation, destination });
    // An earlier call of this run makes the try. The run acknowledges its items after the result is recorded.
    if (active.has(deliveryId)) return 'settled';
    // No item stands for a first try. This item does, because the log may refuse the result of the try (ITEM2).
    if (firstTries.has(deliveryId)) return 'left-unacked';
    return await this.#perform({ request, invocation, destination, number: (delivery?.context.tries ?? 0) + 1 }, delivery);
  }

  /** Performs the effect that a delivery in the log asks for. The run that appends a try makes the try itself. */
  #perform(next: Try, delivery: Delivery | undefined): StepResult | Promise<StepResult> {
    const [effect] = deliveryEffectsDue(delivery);
    if (effect === undefined) return 'settled';
    switch (effect) {
      case 'makeTry':
        return this.#makeTry(next, delivery);
      case 'wakeWhenDue':
        // A hint can be early.
        return this.#ports.clock.now() < (delivery?.context.dueAt ?? 0) ? 'settled' : this.#makeTry(next, delivery);
      case 'deliver':
        return this.#takeOver(next, delivery);
    }
  }

  #makeTry(next: Try, delivery: Delivery | undefined): Promise<StepResult> {
    return this.#isTooOld(next, delivery) ? this.#giveUp(next, delivery) : this.#attempt(next);
  }

  #isTooOld({ invocation: { context } }: Try, delivery: Delivery | undefined): boolean {
    return this.#ports.clock.now() >= deliveryEndsAt(delivery, context.outcome, this.#ports.maxDeliveryAgeInMs);
  }

  async #giveUp({ request, destination, invocation }: Try, delivery: Delivery | undefined): Promise<'again'> {
    const facts = { invocation: request.fact.invocation, destination: destination.id, at: this.#ports.clock.now() };
    await this.#ports.tries.settle(deliveryExpiredFact(delivery, facts), invocation, this.#writer);
    return 'again';
  }

  /** Continues a delivery whose current try belongs to another process, once that process no longer makes the try (D1, EXEC6). */
  async #takeOver(next: Try, delivery: Delivery | undefined): Promise<StepResult> {
    const { executionProbe, clock, tryTimeoutInMs } = this.#ports;
    const { tries, deliverer } = delivery?.context ?? { tries: 0, deliverer: null };
    const answer = await executionProbe.isRunning(deliverer ?? '', { invocation: idOfDelivery(next), attempt: tries });
    const at = clock.now();
    if (!isLost(answer, { startedAt: this.#startOf(next), limitInMs: tryTimeoutInMs, now: at })) return 'left-unacked';
    const id = next.request.fact.invocation;
    // The try may have arrived or not. It is due again at once, under the same delivery id (D1).
    const reason = `${deliverer} vanished during try ${tries}`;
    const cut: Fact = { type: 'delivery.failed', invocation: id, destination: next.destination.id, try: tries, at, dueAt: at, reason };
    await this.#propose(next, cut);
    return 'again';
  }

  /** When the current try of a delivery started. */
  #startOf({ request, destination }: Try): number {
    const isStart = (fact: Fact): boolean =>
      fact.type === 'delivery.started' && fact.destination === destination.id && fact.invocation === request.fact.invocation;
    return this.#writer.state.facts.findLast(isStart)?.at ?? 0;
  }

  async #attempt(next: Try): Promise<StepResult> {
    const { active } = this.#ports;
    const deliveryId = idOfDelivery(next);
    active.add(deliveryId);
    try {
      // A full limit key parks the stream, and its items stay unacknowledged.
      return (await this.#appendAndMake(next)) ? 'again' : 'left-unacked';
    } finally {
      active.delete(deliveryId);
    }
  }

  /**
   * Appends `delivery.started` once the limit key has a free slot, then makes the try. Appends `delivery.postponed` instead while the
   * target's circuit admits no try. False when the limit key is full, and the stream parked.
   */
  async #appendAndMake(next: Try): Promise<boolean> {
    const { limiter, circuits, parking, targets, triesAtOnce } = this.#ports;
    const { destination } = next;
    const { name } = this.#writer.state;
    const target = targets[destination.destination];
    const limitKey = target?.limitKeyOf(destination) ?? destination.destination;
    const circuit = { functionName: name.function, limitKey };
    // The delivery does not wait for a slot that tries on a dead target occupy.
    if (circuits.isOpen(circuit)) {
      await this.#postpone(next, circuit);
      return true;
    }
    const release = await limiter.acquire(limitKey, { stream: streamKey(name), slots: target?.triesAtOnce ?? triesAtOnce });
    if (release === undefined) {
      parking.park(name, limitKey);
      return false;
    }
    try {
      await this.#makeInSlot(next, circuit);
      return true;
    } finally {
      release();
    }
  }

  /** Lets the delivery wait in the log until its circuit may admit a try (T1, CIRC2). */
  async #postpone(next: Try, circuit: CircuitKey): Promise<void> {
    const { circuits, clock, maxDeliveryAgeInMs } = this.#ports;
    const { request, destination, invocation, number } = next;
    const endsAt = deliveryEndsAt(deliveryOf(invocation.context, destination.id), invocation.context.outcome, maxDeliveryAgeInMs);
    const id = request.fact.invocation;
    const facts = { invocation: id, destination: destination.id, try: number - 1, at: clock.now() };
    await this.#propose(next, { type: 'delivery.postponed', ...facts, ...circuits.postpone(circuit, endsAt) });
  }

  async #makeInSlot(next: Try, circuit: CircuitKey): Promise<void> {
    const { circuits, targets } = this.#ports;
    // The delivery may have become too old while it waited for the slot: then the next step ends it.
    if (this.#isTooOld(next, deliveryOf(next.invocation.context, next.destination.id))) return;
    const admitted = circuits.admit(targets[next.destination.destination], circuit);
    if (admitted === undefined) return await this.#postpone(next, circuit);
    try {
      await this.#startAndMake(next, admitted);
    } finally {
      admitted.end();
    }
  }

  async #startAndMake(next: Try, admitted: AdmittedTry): Promise<void> {
    const { clock, name: deliverer, tries } = this.#ports;
    const { destination, number, request } = next;
    const invocation = request.fact.invocation;
    const started: Fact = { type: 'delivery.started', invocation, destination: destination.id, try: number, at: clock.now(), deliverer };
    const effects = await this.#propose(next, started);
    // Without the effect the fact was refused: another process started this try. The next step decides from the log.
    if (effects?.includes('deliver')) await tries.make(next, admitted, this.#writer);
  }

  #propose({ request, invocation: { context } }: Try, fact: Fact): Promise<readonly InvocationEffect[] | undefined> {
    return this.#writer.propose(request.fact.invocation, [fact], context.outcome);
  }
}
