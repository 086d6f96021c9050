import { allDeliveriesSettled, deliveryOf, notRedrivenSince, openDeliveries } from '#machines/deliveries.ts';
import { afterFailedTry, deliveryEndsAt } from '#machines/delivery.ts';
import type { DeliveryFact, Outcome } from '#machines/facts.ts';
import type { Invocation } from '#machines/invocation.ts';
import type { PayloadSealer } from '#src/core/encryption/payload-sealer.ts';
import { SequentError } from '#src/core/errors.ts';
import { systemTimers, type Timers } from '#src/core/ports/clock.ts';
import type { DeliveryResult, DestinationTarget } from '#src/core/ports/destination-target.ts';
import type { StreamWriter } from '#src/core/stream/stream-writer.ts';
import type { AdmittedTry } from '#src/destinations/limits/circuits.ts';
import { deliveryRequestOf, openedTry, type Try } from './delivery-request.ts';
import type { TryOptions } from './try-options.ts';

/** Makes tries that are in the log already (E1), and appends their results. Rejects when an append has no certain result. */
export interface Tries {
  make(attempted: Try, admitted: AdmittedTry, writer: StreamWriter): Promise<void>;
  /**
   * Appends a fact of a delivery of this outcome. The fact of the last open delivery is appended together with `notified`; if two deliveries
   * settle concurrently, the second append adds `notified`. Appends nothing when the invocation has another outcome (PROP4), or when the
   * delivery was redriven since this state of the invocation (PROP5).
   */
  settle(fact: DeliveryFact, known: Invocation, writer: StreamWriter): Promise<void>;
  /** Appends `notified` when every delivery of this outcome is settled and `notified` is missing. */
  notifyWhenSettled(invocation: string, outcome: Outcome | null, writer: StreamWriter): Promise<void>;
}

export function createTries(options: TryOptions): Tries {
  const { targets, tenancy, payloads, maxChain, tryTimeoutInMs, maxDeliveryAgeInMs, clock, timers = systemTimers } = options;

  /** Opens the texts of an encrypting project for the target. The reason of a failure repeats no text of the project or the receiver. */
  async function deliverOpened(target: DestinationTarget, attempted: Try, sealer: PayloadSealer): Promise<DeliveryResult> {
    let opened: Try;
    try {
      opened = openedTry(attempted, sealer);
    } catch (error) {
      if (!(error instanceof SequentError)) throw error;
      return { kind: error.retryable ? 'failed' : 'dead', reason: error.message };
    }
    return await deliver(target, opened);
  }

  function deliver(target: DestinationTarget, attempted: Try): Promise<DeliveryResult> {
    const request = deliveryRequestOf(attempted, { tenancy, maxChain, maxBytes: target.maxEnvelopeBytes });
    if (target.endsByItself) return target.deliver(request, neverAborted);
    return abortAfter(tryTimeoutInMs, timers, (signal) => target.deliver(request, signal));
  }

  /** `notBefore`: the delivery is not tried again before, because the target's circuit is open. */
  function factOf({ request, invocation: { context }, destination, number }: Try, result: DeliveryResult, notBefore: number): DeliveryFact {
    const fact = { invocation: request.fact.invocation, destination: destination.id, try: number, at: clock.now() };
    if (result.kind === 'delivered') return { type: 'delivery.delivered', ...fact };
    if (result.kind === 'dead') return { type: 'delivery.dead', ...fact, reason: result.reason };
    const endsAt = deliveryEndsAt(deliveryOf(context, destination.id), context.outcome, maxDeliveryAgeInMs);
    const retryAfterInMs = Math.max(result.retryAfterInMs ?? 0, notBefore - fact.at);
    return afterFailedTry({ fact: { ...fact, reason: result.reason }, retryAfterInMs, endsAt });
  }

  async function settle(fact: DeliveryFact, known: Invocation, writer: StreamWriter): Promise<void> {
    const { invocation: id, at, destination } = fact;
    const { outcome } = known.context;
    const isExpected = notRedrivenSince(destination, deliveryOf(known.context, destination));
    const isLast = fact.type !== 'delivery.failed' && isOnlyOpen(writer.state.invocations.get(id), destination);
    if (isLast && (await writer.propose(id, [fact, { type: 'notified', invocation: id, at }], outcome, isExpected)) !== undefined) return;
    await writer.propose(id, [fact], outcome, isExpected);
    await notifyWhenSettled(id, outcome, writer);
  }

  async function notifyWhenSettled(id: string, outcome: Outcome | null, writer: StreamWriter): Promise<void> {
    const invocation = writer.state.invocations.get(id);
    if (invocation === undefined || invocation.value === 'notified' || !allDeliveriesSettled(invocation.context)) return;
    await writer.propose(id, [{ type: 'notified', invocation: id, at: clock.now() }], outcome);
  }

  return {
    settle,
    notifyWhenSettled,
    async make(attempted, admitted, writer) {
      const kind = attempted.destination.destination;
      const target = targets[kind];
      const missing: DeliveryResult = { kind: 'dead', reason: `there is no destination of the kind ${kind}` };
      const isSealed = payloads?.concerns(attempted.request.fact.function) === true;
      const result =
        target === undefined ? missing : await (isSealed ? deliverOpened(target, attempted, payloads) : deliver(target, attempted));
      return settle(factOf(attempted, result, admitted.end(result)), attempted.invocation, writer);
    },
  };
}

/** Whether no other delivery is open, and `notified` is missing. */
function isOnlyOpen(invocation: Invocation | undefined, destination: string): boolean {
  if (invocation === undefined || invocation.value === 'notified') return false;
  return openDeliveries(invocation.context).every(({ id }) => id === destination);
}

const neverAborted = new AbortController().signal;

/** Aborts the signal of `work` after a time. For the reason H12 (docs/performance.md) the timer is cleared. */
async function abortAfter<Value>(timeoutInMs: number, timers: Timers, work: (signal: AbortSignal) => Promise<Value>): Promise<Value> {
  const timeout = new AbortController();
  const cancel = timers.after(timeoutInMs, () => timeout.abort());
  try {
    return await work(timeout.signal);
  } finally {
    cancel();
  }
}
