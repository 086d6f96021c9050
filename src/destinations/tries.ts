import { allDeliveriesSettled, deliveryOf, openDeliveries } from '#machines/deliveries.ts';
import { afterFailedTry, deliveryEndsAt } from '#machines/delivery.ts';
import type { DeliveryFact } from '#machines/facts.ts';
import type { Invocation } from '#machines/invocation.ts';
import type { DeliveryResult, DestinationTarget } from '#src/core/ports/destination-target.ts';
import type { StreamWriter } from '#src/core/stream/stream-writer.ts';
import { deliveryRequestOf, type Try } from './delivery-request.ts';
import type { TryOptions } from './try-options.ts';

/** Makes tries that are in the log (E1), and records what came of them. Rejects when the log cannot tell. */
export interface Tries {
  make(tried: Try, writer: StreamWriter): Promise<void>;
  /** The last delivery and the end of all of them are one append; of two that are settled in the same moment, the later one closes. */
  settle(fact: DeliveryFact, writer: StreamWriter): Promise<void>;
  /** Records that everybody was told, if that is so and nobody did. */
  close(invocation: string, writer: StreamWriter): Promise<void>;
}

export function createTries({ targets, tenancy, maxChain, tryTimeoutInMs, maxDeliveryAgeInMs, clock }: TryOptions): Tries {
  function tell(target: DestinationTarget, tried: Try): Promise<DeliveryResult> {
    const request = deliveryRequestOf(tried, { tenancy, maxChain, maxBytes: target.maxEnvelopeBytes });
    if (target.endsByItself) return target.deliver(request, never);
    return within(tryTimeoutInMs, (signal) => target.deliver(request, signal));
  }

  function factOf({ request, invocation: { context }, destination, number }: Try, result: DeliveryResult): DeliveryFact {
    const fact = { invocation: request.fact.invocation, destination: destination.id, try: number, at: clock.now() };
    if (result.kind === 'delivered') return { type: 'delivery.delivered', ...fact };
    if (result.kind === 'dead') return { type: 'delivery.dead', ...fact, reason: result.reason };
    const endsAt = deliveryEndsAt(deliveryOf(context, destination.id), context.outcome, maxDeliveryAgeInMs);
    return afterFailedTry({ fact: { ...fact, reason: result.reason }, retryAfterInMs: result.retryAfterInMs, endsAt });
  }

  async function settle(fact: DeliveryFact, writer: StreamWriter): Promise<void> {
    const { invocation: id, at } = fact;
    const isLast = fact.type !== 'delivery.failed' && isOnlyOpen(writer.state.invocations.get(id), fact.destination);
    if (isLast && (await writer.propose(id, [fact, { type: 'notified', invocation: id, at }])) !== undefined) return;
    await writer.propose(id, [fact]);
    await close(id, writer);
  }

  async function close(invocation: string, writer: StreamWriter): Promise<void> {
    const found = writer.state.invocations.get(invocation);
    if (found === undefined || found.value === 'notified' || !allDeliveriesSettled(found.context)) return;
    await writer.propose(invocation, [{ type: 'notified', invocation, at: clock.now() }]);
  }

  return {
    settle,
    close,
    async make(tried, writer) {
      const kind = tried.destination.destination;
      const target = targets[kind];
      const missing: DeliveryResult = { kind: 'dead', reason: `there is no destination of the kind ${kind}` };
      return settle(factOf(tried, target === undefined ? missing : await tell(target, tried)), writer);
    },
  };
}

/** Whether nobody else is to be told, and this is not recorded yet. */
function isOnlyOpen(invocation: Invocation | undefined, destination: string): boolean {
  if (invocation === undefined || invocation.value === 'notified') return false;
  return openDeliveries(invocation.context).every(({ id }) => id === destination);
}

const never = new AbortController().signal;

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
