import type { Timeline } from '#src/client/client.ts';
import { InvocationNotFoundError, TimedOutError } from '#src/core/errors.ts';
import { untilCallerGone } from '#src/gateway/http/caller-gone.ts';
import type { ConcurrencyLimit } from '#src/gateway/http/concurrency-limit.ts';
import type { Call, Gateway } from '../../ports.ts';
import { scopeOf } from '../../scope.ts';
import { findTimeline } from './find-timeline.ts';

/** A gateway, and the limit of the requests that wait. */
export type OutcomeWait = { gateway: Gateway; waiting: ConcurrencyLimit };

/** Waits for the outcome of an invocation that the caller may see; `undefined` if the outcome does not arrive in time. */
export async function waitForOutcome(
  waiter: OutcomeWait,
  call: Call,
  { waitInS, ...named }: { id: string; function?: string | undefined; waitInS: number },
): Promise<Timeline | undefined> {
  const { gateway } = waiter;
  return await withinLimit(waiter, call, async () => {
    call.header('Preference-Applied', `wait=${waitInS}`);
    const known = await findTimeline(gateway, scopeOf(call, gateway), named);
    if (known.envelope !== undefined) return known;
    const owner = { function: known.function };
    await untilCallerGone(call, (signal) => gateway.client.result(named.id, { ...owner, timeoutInMs: waitInS * 1_000, signal }));
    return await gateway.client.timeline(named.id, owner);
  });
}

/**
 * Waits for the outcome of an invocation that this call accepted; `undefined` if the outcome does not arrive in time. Waits also while no
 * role has read the request.
 */
export async function waitForAccepted(
  waiter: OutcomeWait,
  call: Call,
  { id, function: name, waitInS }: { id: string; function: string; waitInS: number },
): Promise<Timeline | undefined> {
  const { client } = waiter.gateway;
  return await withinLimit(waiter, call, async () => {
    call.header('Preference-Applied', `wait=${waitInS}`);
    try {
      await untilCallerGone(call, (signal) =>
        client.result(id, { function: name, timeoutInMs: waitInS * 1_000, isAccepted: true, signal }),
      );
      return await client.timeline(id, { function: name });
    } catch (error) {
      if (error instanceof InvocationNotFoundError) return undefined;
      throw error;
    }
  });
}

/** Runs `wait` within the limit of waiting requests, and turns a timeout into `undefined`. */
async function withinLimit({ waiting }: OutcomeWait, call: Call, wait: () => Promise<Timeline | undefined>): Promise<Timeline | undefined> {
  const release = waiting.enter(call.get('project'));
  try {
    return await wait();
  } catch (error) {
    if (error instanceof TimedOutError) return undefined;
    throw error;
  } finally {
    release();
  }
}
