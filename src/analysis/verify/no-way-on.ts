import { deliveryOf, openDeliveries } from '#machines/deliveries.ts';
import type { Fact, Terms } from '#machines/facts.ts';
import { type Invocation, invocationFolder, isBatch } from '#machines/invocation.ts';
import { say } from '#src/analysis/say.ts';

/** Later than every time of a log, so that no fact is refused for its time alone. */
const AT = Number.MAX_SAFE_INTEGER;
const terms: Terms = {
  revision: 0,
  timeoutInMs: 0,
  maxRetries: 0,
  maxAgeInMs: 0,
  backoff: { initialInMs: 0, factor: 1, maxInMs: 0, jitter: 0 },
};

/**
 * Whether the machine accepts a fact that leads an open invocation on (E4). The end by its age, or by a person, is no way on: an invocation of which
 * the machine accepts nothing else stands until then, and so does every request that waits behind it.
 */
export function hasWayOn(invocation: Invocation): boolean {
  return factsThatLeadOn(invocation).some((fact) => invocationFolder.accepts(invocation, fact));
}

/** Describes an invocation from whose state no fact is possible. */
export function noWayOnInWords({ value }: Pick<Invocation, 'value'>): string {
  return say('it is {state}, and the machine accepts no fact that leads it on; cancel it and request it again', { state: String(value) });
}

function factsThatLeadOn(invocation: Invocation): Fact[] {
  const { value, context } = invocation;
  const common = { invocation: context.request?.invocation ?? '', at: AT };
  const next = context.attempts + 1;
  switch (value) {
    case 'queued':
      return isBatch(invocation) ? [{ ...common, type: 'batch.sealed', reason: 'ended' }] : beforeStart(invocation);
    case 'retrying':
      return [{ ...common, type: 'running', attempt: next, worker: '' }];
    case 'running':
      return [{ ...common, type: 'succeeded', attempt: context.attempts, payload: '' }];
    case 'initial':
      return [];
    default:
      return [{ ...common, type: 'notified' }, ...ofDeliveries(invocation, common)];
  }
}

/** The first attempt, the part in a group, or the outcome of the leader. */
function beforeStart({ context: { group, request } }: Invocation): Fact[] {
  const common = { invocation: request?.invocation ?? '', at: AT };
  const leader = group?.leader?.invocation;
  return [
    { ...common, type: 'running', attempt: 1, worker: '', terms },
    { ...common, type: 'debounce.closed', keep: 'all', dueAt: AT, members: [] },
    ...(leader === undefined ? [] : [{ ...common, type: 'succeeded' as const, attempt: 0, payload: '', leader }]),
  ];
}

function ofDeliveries({ context }: Invocation, common: { invocation: string; at: number }): Fact[] {
  return openDeliveries(context).flatMap(({ id: destination }): Fact[] => {
    const { tries = 0 } = deliveryOf(context, destination)?.context ?? {};
    return [
      { ...common, type: 'delivery.started', destination, try: tries + 1, deliverer: '' },
      { ...common, type: 'delivery.delivered', destination, try: tries },
    ];
  });
}
