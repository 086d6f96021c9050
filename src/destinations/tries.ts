import { allDeliveriesSettled, deliveryOf, openDeliveries } from '#machines/deliveries.ts';
import { afterFailedTry, deliveryEndsAt } from '#machines/delivery.ts';
import type { DeliveryFact } from '#machines/facts.ts';
import type { Invocation } from '#machines/invocation.ts';
import { systemTimers, type Timers } from '#src/core/ports/clock.ts';
import type { DeliveryResult, DestinationTarget } from '#src/core/ports/destination-target.ts';
import type { StreamWriter } from '#src/core/stream/stream-writer.ts';
import type { AdmittedTry } from './circuits.ts';
import { deliveryRequestOf, type Try } from './delivery-request.ts';
import type { TryOptions } from './try-options.ts';

/** Makes tries that are in the log already (E1), and appends their results. Rejects when an append has no certain result. */
export interface Tries {
  make(attempted: Try, admitted: AdmittedTry, writer: StreamWriter): Promise<void>;
  /**
   * Appends a fact of a delivery. The fact of the last open delivery is appended together with `notified`; if two deliveries settle
   * concurrently, the second append adds `notified`.
   */
  settle(fact: DeliveryFact, writer: StreamWriter): Promise<void>;
  /** Appends `notified` when every delivery is settled and `notified` is missing. */
  notifyWhenSettled(invocation: string, writer: StreamWriter): Promise<void>;
}

export function createTries(options: TryOptions): Tries {
  const { targets, tenancy, maxChain, tryTimeoutInMs, maxDeliveryAgeInMs, clock, timers = systemTimers } = options;

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

  async function settle(fact: DeliveryFact, writer: StreamWriter): Promise<void> {
    const { invocation: id, at } = fact;
    const isLast = fact.type !== 'delivery.failed' && isOnlyOpen(writer.state.invocations.get(id), fact.destination);
    if (isLast && (await writer.propose(id, [fact, { type: 'notified', invocation: id, at }])) !== undefined) return;
    await writer.propose(id, [fact]);
    await notifyWhenSettled(id, writer);
  }

  async function notifyWhenSettled(id: string, writer: StreamWriter): Promise<void> {
    const invocation = writer.state.invocations.get(id);
    if (invocation === undefined || invocation.value === 'notified' || !allDeliveriesSettled(invocation.context)) return;
    await writer.propose(id, [{ type: 'notified', invocation: id, at: clock.now() }]);
  }

  return {
    settle,
    notifyWhenSettled,
    async make(attempted, admitted, writer) {
      const kind = attempted.destination.destination;
      const target = targets[kind];
      const missing: DeliveryResult = { kind: 'dead', reason: `there is no destination of the kind ${kind}` };
      const result = target === undefined ? missing : await deliver(target, attempted);
      return settle(factOf(attempted, result, admitted.end(result)), writer);
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
